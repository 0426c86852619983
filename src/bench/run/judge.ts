import type { BenchResult, BenchVerdict, LevelResult } from '../types.ts';

/** Decides what the run is worth as a whole. */
export function judgeRun(levels: readonly LevelResult[], stopped: BenchResult['stopped']): BenchVerdict {
  if (levels.every((level) => level.requests.ok === 0)) return 'nothing';
  if (stopped !== null) return 'partial';
  return levels.some((level) => level.client.isBound) ? 'client-bound' : 'measured';
}

const lengthTolerance = 0.1;
const hitRateLimit = 0.02;
const countTolerance = 0.01;
const sharedReadLimit = 0.2;

type Unjudged = Omit<BenchResult, 'verdict' | 'notes'>;

/** What a reader must know before quoting a figure of this run, one sentence each. */
export function writeNotes(result: Unjudged): string[] {
  const notes: string[] = [];
  if (result.stopped === 'interrupted')
    notes.push('interrupted: requests in flight were cut and are in no latency figure');
  if (result.stopped === 'max-seconds') {
    notes.push(
      `the budget of ${result.scenario.maxSeconds} s ended the run: requests in flight were cut and are in no latency figure`,
    );
  }
  for (const { field, status } of result.fields.refused)
    notes.push(`the server refused the field ${field} (${status}): ${lossOf(field)}`);
  if (result.warmUp.requests > 0 && !result.warmUp.isStable) {
    notes.push(
      `after ${result.warmUp.requests} warm-up requests two in a row still differed by more than 10 %`,
    );
  }
  for (const level of result.levels) notes.push(...writeLevelNotes(level, result));
  return notes;
}

function lossOf(field: string): string {
  switch (field) {
    case 'cache_salt':
      return 'prompts are kept cold by a beginning of their own only';
    case 'ignore_eos':
    case 'min_tokens':
      return 'answers may be shorter than asked';
    case 'stream_options.continuous_usage_stats':
      return 'tokens per chunk are spread from the total';
    default:
      return 'the run goes without it';
  }
}

function writeLevelNotes(level: LevelResult, result: Unjudged): string[] {
  const { client, requests, outputLength, inputLength } = level;
  const at = `concurrency ${level.concurrency}:`;
  const notes: string[] = [];
  if (client.isBound) {
    const busy = `event loop ${percent(client.loopUtilisation)} busy, delayed ${client.loopDelayP99Ms.toFixed(1)} ms at p99`;
    notes.push(`${at} the client may have set the figures (${busy})`);
  }
  if (requests.failed > 0)
    notes.push(`${at} ${requests.failed} of ${requests.sent} requests failed and are in no latency figure`);
  if (requests.ok === 0) return notes;
  if (outputLength.met < requests.ok) {
    notes.push(
      `${at} ${requests.ok - outputLength.met} of ${requests.ok} answers were not ${outputLength.asked} tokens long`,
    );
  }
  const asked = result.scenario.inputTokens;
  if (inputLength.p50 === null) notes.push(`${at} the server sent no usage: token counts are chunk counts`);
  else if (Math.abs(inputLength.p50 - asked) > lengthTolerance * asked) {
    notes.push(`${at} prompts had ${inputLength.p50} tokens (median) where ${asked} were asked`);
  }
  if (level.itlSource !== 'continuous_usage')
    notes.push(`${at} itl_source is ${level.itlSource}: ITL assumes equal tokens in every chunk`);
  if ((level.cache.hitRate ?? 0) > hitRateLimit)
    notes.push(`${at} not cold: prefix cache hit rate ${percent(level.cache.hitRate ?? 0)}`);
  if ((level.sharedReadShare ?? 0) > sharedReadLimit) {
    notes.push(
      `${at} ${percent(level.sharedReadShare ?? 0)} of the events shared a socket read: single gaps are coarser than the engine's`,
    );
  }
  const seen = level.serverOutputTokens;
  if (
    seen !== null &&
    requests.cut === 0 &&
    requests.failed === 0 &&
    Math.abs(seen - level.outputTokens) > countTolerance * seen
  ) {
    notes.push(
      `${at} the server generated ${seen} tokens, its usage fields add up to ${level.outputTokens}: other traffic, or a wrong count`,
    );
  }
  return notes;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
