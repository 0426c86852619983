/**
 * What vLLM says once its core is gone. 0.32.0 answers HTTP 500; 0.16.0 answers **200** with the same body, so the status
 * tells nothing; the last one comes while `--shutdown-timeout` runs. The process itself may live for seconds after.
 */
const deadTexts = [
  'EngineCore encountered an issue',
  'EngineDeadError',
  'Engine core proc',
  'cannot schedule new futures after shutdown',
  'Background loop has errored already',
];

/** True for an error body (or error event) of an engine whose core is dead. */
export const isEngineDead = (text: string): boolean => deadTexts.some((dead) => text.includes(dead));

/** The status inside `{"error": {"code": …}}` of a body, if the body is an error at all. */
export function readErrorStatus(body: string): number | null {
  if (!/^\s*\{\s*"(?:error"\s*:\s*[{"]|object"\s*:\s*"error")/.test(body.slice(0, 200))) return null;
  const code =
    /"code"\s*:\s*(\d{3})\b/.exec(body.slice(-2_000))?.[1] ?? /"code"\s*:\s*(\d{3})\b/.exec(body)?.[1];
  const status = Number(code ?? 500);
  return status >= 400 && status <= 599 ? status : 500;
}

/** System and transport codes of a connection that never carried the request. */
const neverSent = new Set([
  'ECONNREFUSED',
  'ENOENT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

export const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : 'UNKNOWN';
};

/** True when the engine cannot have seen any of the request: sending it later is no second time. */
export const isNeverSent = (error: unknown): boolean => neverSent.has(codeOf(error));
