import type { StepError } from '../lib/index.ts';

/** Where text goes. Data to stdout, everything said along the way to stderr; nothing else in stepctl prints. */
export interface Output {
  /** stdout is a terminal. */
  readonly isTty: boolean;
  readonly width: number;
  data(text: string): void;
  line(text: string): void;
  json(value: unknown): void;
  say(text: string): void;
  /** Rewrites the last line of a terminal; nothing without one. */
  live(text: string): void;
  error(error: StepError, debug: boolean): void;
  paint(style: 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan', text: string): string;
  /** Resolves when what was written has left the process. */
  flush(): Promise<void>;
}

const codes = { bold: 1, dim: 2, green: 32, red: 31, yellow: 33, cyan: 36 } as const;

interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly json: boolean;
}

export function createOutput({ stdout, stderr, env, json }: Streams): Output {
  const errTty = stderr.isTTY === true && env['TERM'] !== 'dumb';
  const colour = errTty && (env['NO_COLOR'] ?? '') === '';
  const width = stdout.columns ?? stderr.columns ?? 100;
  let liveLength = 0;
  const clear = (): void => {
    if (liveLength === 0) return;
    stderr.write('\r\u001B[2K');
    liveLength = 0;
  };
  const paint: Output['paint'] = (style, text) => (colour ? `\u001B[${codes[style]}m${text}\u001B[0m` : text);
  return {
    isTty: stdout.isTTY === true,
    width,
    data: (text) => {
      clear();
      stdout.write(text);
    },
    line: (text) => {
      clear();
      stdout.write(`${text}\n`);
    },
    json: (value) => {
      clear();
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    say: (text) => {
      clear();
      stderr.write(`${text}\n`);
    },
    live: (text) => {
      if (!errTty || json) return;
      const cut = text.length > width - 1 ? `${text.slice(0, width - 2)}…` : text;
      stderr.write(`\r\u001B[2K${cut}`);
      liveLength = cut.length;
    },
    error: (error, debug) => {
      clear();
      if (json) stdout.write(`${JSON.stringify({ schema: 'stepctl/error/1', error: error.toJSON() })}\n`);
      else stderr.write(renderError(error, paint, debug));
    },
    paint,
    flush: async () => {
      clear();
      await Promise.all(
        [stdout, stderr].map((stream) => new Promise<void>((resolve) => stream.write('', () => resolve()))),
      );
    },
  };
}

/** Verdict, reason, next command; the stack only when asked for. */
export function renderError(error: StepError, paint: Output['paint'], debug: boolean): string {
  const lines = [`${paint('red', 'error')} ${error.verdict} ${paint('dim', `(${error.code})`)}`];
  if (error.reason !== null) lines.push(`  why   ${indent(error.reason)}`);
  if (error.next !== null) lines.push(`  next  ${indent(error.next)}`);
  if (debug) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      lines.push(cause.stack ?? cause.message);
  }
  return `${lines.join('\n')}\n`;
}

const indent = (text: string): string => text.trimEnd().replaceAll('\n', '\n        ');
