// oxlint-disable-next-line no-control-regex -- colour codes start with an escape character
const colours = /\u001b\[[\d;]*m/g;

/** What writers of logs put before the engine's own text: `docker logs -t`, Kubernetes, journald, stepctl's own files. */
const stamp =
  /^(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?\s+)(?:(?:stdout|stderr) [FP] |(?:out|err) )?/;
const journal = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:]+: /;
const level = /^(?:\([^)]*\) )?(?:DEBUG|INFO|WARNING)\b/;

const evidenceChars = 600;

/** One line of a `json-file` log of Docker; the line itself where it is none. */
const unwrapJson = (line: string): string => {
  if (!line.startsWith('{"log":"')) return line;
  try {
    const { log } = JSON.parse(line) as { log?: unknown };
    return typeof log === 'string' ? log : line;
  } catch {
    return line;
  }
};

/** The engine's own text: without colours, without what a writer of logs put before it, cut to 600 characters. Pure. */
export function cleanLine(line: string): string {
  const plain = line.includes('\u001b') ? line.replaceAll(colours, '') : line;
  const own = unwrapJson(plain).replace(stamp, '').replace(journal, '');
  return own.slice(0, evidenceChars).trimEnd();
}

/** True for levels below ERROR: they quote errors that never happened. Takes a cleaned line. */
export const isQuiet = (line: string): boolean => level.test(line) || /^\[W\d{4} /.test(line);

/** Lines that only say that something above went wrong. */
export const isWrapper = (line: string): boolean =>
  /Engine core initialization failed|WorkerProc (?:initialization failed|failed to start)|EngineCore failed to start|See stack trace|See root cause above/.test(
    line,
  ) && !/died unexpectedly|': -9\}/.test(line);

/** Looks like an error, for a failure that nobody has named yet. */
export const isError = (line: string): boolean =>
  /\b(?:ERROR|CRITICAL|FATAL)\b|^\S*(?:Error|Exception)\b.*:|Traceback/.test(line);

/** Release that the line names as its own; null where it names none. */
export function versionIn(line: string): string | null {
  const found =
    /LLM engine \(v(\d+\.\d+\.\d+\S*?)\)|API server version v?(\d+\.\d+\.\d+)|(?:█|\u2588|\u00e2\u0096\u0088).*\bversion (\d+\.\d+\.\d+)/.exec(
      line,
    );
  return found === null ? null : (found[1] ?? found[2] ?? found[3] ?? null);
}

/** First line of a start: 0.16.0 and later show it beside their logo. */
export const isBanner = (line: string): boolean =>
  /API server version v?\d|(?:█|\u00e2\u0096\u0088)\s+version \d/.test(line);
