import { wrap } from './report/wrap.ts';

/** Formula of every figure; printed by `bench --explain` and stored in every result. `t_send`: last request byte handed to the socket. */
export const definitions = {
  stamp:
    'every chunk carries the time its bytes were read from the socket, taken before parsing; chunks of one read form one group',
  ttfr: 'first server-sent event of any kind − t_send',
  ttft: 'first chunk with a token or text on any channel (reasoning, content, tool call) − t_send; a role-only chunk does not count',
  ttfo: 'first chunk with content or a tool call − t_send: time to the answer after the thinking; none when the budget ended inside it',
  itl: 'gap between two token groups / tokens of the later group, counted once for each of those tokens',
  tpot: '(t_last_token − t_first_token) / (N − tokens of the first group), one figure a request',
  e2e: 't_last_token − t_send',
  e2eDone: '[DONE] − t_send',
  ttftVllm: 'first chunk with choices, role-only ones too − t_send: what `vllm bench serve` calls TTFT',
  tpotVllm:
    '(last chunk with choices − first chunk with choices) / (N − 1): what `vllm bench serve` calls TPOT',
  decodePerUser: '1 / median TPOT, tokens a second that one user sees',
  outputTokens: 'sum of N over requests / time from the first t_send to the last end',
  totalTokens: 'sum of N + prompt tokens / the same time',
  steadyOutputTokens: 'tokens a second while every stream was busy: without ramp and stragglers',
  peakOutputTokens: 'tokens in the fullest sliding second (tokens, not chunks)',
  N: 'usage.completion_tokens of the server; includes reasoning tokens',
  itlSource:
    'continuous_usage: the server counts in every chunk; chunk: the total is spread evenly over the chunks',
  percentiles:
    'nearest rank over raw samples: a measured value, never an average of two; no p99 below 100 samples, see max',
  failures:
    'requests with an error status, an error in the stream, no token or no finish reason; they are in no latency figure',
  cold: 'every prompt begins with text of its own, with cache_salt where accepted; the hit rate is measured where /metrics can be read',
  clientBound:
    'event loop busy above 70 %, or late at p99 by more than 5 ms and a quarter of the median TPOT: the client may have set the figure',
} as const satisfies Record<string, string>;

/** The definitions as text for a terminal. */
export function explainBench(): string {
  const width = Math.max(...Object.keys(definitions).map((name) => name.length));
  const lines = Object.entries(definitions).flatMap(([name, text]) => {
    const [first = '', ...more] = wrap(text, 78 - width);
    return [`${name.padEnd(width)}  ${first}`, ...more.map((line) => `${' '.repeat(width)}  ${line}`)];
  });
  return ['What bench measures (times in ms; schema stepctl/bench/1)', '', ...lines, ''].join('\n');
}
