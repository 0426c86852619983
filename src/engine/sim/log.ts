const two = (value: number): string => String(value).padStart(2, '0');

function stamp(): string {
  const now = new Date();
  const day = `${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `${day} ${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
}

type Level = 'INFO' | 'WARNING' | 'ERROR';

export interface SimLog {
  /** A line of the API server process. */
  server(text: string, level?: Level): void;
  /** A line of the core process. */
  core(text: string, level?: Level): void;
  /** A progress bar's next state: begins with a carriage return, no line end. */
  bar(text: string): void;
  /** Text without prefix. */
  raw(text: string): void;
}

/** Writes what vLLM would log, prefixes and streams as it has them: log lines on stdout, bars and tracebacks on stderr. */
export function createSimLog(write: { out: (text: string) => void; err: (text: string) => void }): SimLog {
  const line = (who: string, text: string, level: Level) =>
    write.out(`(${who} pid=${process.pid}) ${level} ${stamp()} [simulator.ts:1] ${text}\n`);
  return {
    server: (text, level = 'INFO') => line('APIServer', text, level),
    core: (text, level = 'INFO') => line('EngineCore_DP0', text, level),
    bar: (text) => write.err(`\r${text}`),
    raw: (text) => write.err(`${text}\n`),
  };
}
