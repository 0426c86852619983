/** What the proxy must know of one event; all else passes unread. */
export type EventKind = 'data' | 'done' | 'error' | 'usage';

const colon = 58;
const openBrace = 123;
const openBracket = 91;
const emptyChoices = Buffer.from('"choices":[]');
const usageName = Buffer.from('"usage":');

/**
 * Tells apart what matters without parsing JSON: this runs for every token of every stream. An error event of vLLM begins
 * `data: {"error":` (older ones `{"object":"error"`), the usage chunk has an empty list of choices, the end is `[DONE]`.
 */
export function inspectEvent(event: Buffer): EventKind {
  // `data:` and an optional blank; comments and other fields are plain data.
  if (event[0] !== 100 || event[4] !== colon) return 'data';
  const at = event[5] === 32 ? 6 : 5;
  const first = event[at];
  if (first === openBracket) return event.toString('latin1', at, at + 6) === '[DONE]' ? 'done' : 'data';
  if (first !== openBrace) return 'data';
  // The usual chunk begins {"id": and is done with here, up to the rare search for its usage.
  if (event[at + 1] !== 34 || event[at + 2] !== 105) {
    const head = event.toString('latin1', at, at + 32).replaceAll(' ', '');
    if (head.startsWith('{"error":') || head.startsWith('{"object":"error"')) return 'error';
  }
  return event.includes(usageName) && event.includes(emptyChoices) ? 'usage' : 'data';
}

export interface TokenUsage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** The counts behind the last `"usage":` of some JSON; null where there are none. A name in quotes cannot stand inside a JSON text. */
export function readUsage(json: string): TokenUsage | null {
  const at = json.lastIndexOf('"usage":');
  if (at === -1) return null;
  const tail = json.slice(at, at + 1_000);
  const prompt = /"prompt_tokens":\s*(\d{1,12})/.exec(tail)?.[1];
  const completion = /"completion_tokens":\s*(\d{1,12})/.exec(tail)?.[1];
  if (prompt === undefined) return null;
  return { promptTokens: Number(prompt), completionTokens: Number(completion ?? 0) };
}
