import { isApiFailure } from '../../lib/openai-client/index.ts';
import type { ChatAnswer } from '../../lib/openai-client/index.ts';
import { askStream, type Check, findScript, openStream, promptOf, type SmokeContext } from '../context.ts';
import { fail, pass, quote, skip } from '../outcome.ts';
import { compareWords } from './truth.ts';

const endlessTokens = 2000;
const chunksBeforeAbort = 3;
const pollMs = 100;
const defaultDeadlineMs = 10_000;

const abort: Check = {
  id: 'abort',
  proves: 'a client that leaves in the middle of a stream stops the work for it',
  run: async (context) => {
    const { running } = context.options;
    if (running === undefined || running === null)
      return skip('nobody here can tell how many requests are in work');
    const before = await running();
    const during = await startAndLeave(context, running, before);
    if (during === null) return fail('the answer ended before it could be aborted');
    if (during <= before)
      return fail(
        'the running count never showed the request: nothing can be concluded from it',
        `${before} before, ${during} during`,
      );
    const after = await waitForCount(context, running, (count) => count <= before);
    const evidence = `running: ${before} before, ${during} during, ${after} after`;
    return after <= before
      ? pass(evidence)
      : fail('the request is still in work after the client left', evidence);
  },
};

/** Streams until a few chunks came, waits until the count shows the request, leaves. null: the stream ended by itself. */
async function startAndLeave(
  context: SmokeContext,
  running: () => Promise<number>,
  before: number,
): Promise<number | null> {
  const leave = new AbortController();
  const signal = AbortSignal.any([context.signal, leave.signal]);
  let chunks = 0;
  try {
    for await (const event of openStream(
      context,
      { prompt: promptOf(context, 'endless'), maxTokens: endlessTokens },
      signal,
    )) {
      if (event.kind !== 'chunk' || event.choices === 0) continue;
      chunks += 1;
      if (chunks < chunksBeforeAbort) continue;
      const during = await waitForCount(context, running, (count) => count > before);
      leave.abort();
      return during;
    }
  } catch (error) {
    if (!isApiFailure(error, 'aborted') || context.signal.aborted) throw error;
  }
  return null;
}

/** Polls until the count is as wanted or the deadline is over; returns the last count. */
async function waitForCount(
  context: SmokeContext,
  running: () => Promise<number>,
  isWanted: (count: number) => boolean,
): Promise<number> {
  const { clock, options, signal } = context;
  const deadline = clock.monotonicMs() + (options.abortDeadlineMs ?? defaultDeadlineMs);
  for (;;) {
    const count = await running();
    if (isWanted(count) || clock.monotonicMs() >= deadline) return count;
    await clock.sleep(pollMs, signal);
  }
}

const twoStreams: Check = {
  id: 'two-streams',
  proves: 'two answers that stream at the same time do not mix',
  run: async (context) => {
    const [first, second] = await Promise.all([
      askStream(context, { prompt: promptOf(context, 'chat'), maxTokens: 256 }),
      askStream(context, { prompt: secondPrompt(context), maxTokens: 48 }),
    ]);
    const problem = findMixedIds(first, second) ?? findMixedText(context, first, second);
    const evidence = [first, second].map(
      (answer) => `${answer.ids.join(', ')}: ${quote(answer.reasoning + answer.content)}`,
    );
    return problem === null ? pass(...evidence) : fail(problem, ...evidence);
  },
};

function secondPrompt(context: SmokeContext): string {
  return findScript(context, 'endless')?.prompt ?? 'Count from one to twenty in words.';
}

function findMixedIds(first: ChatAnswer, second: ChatAnswer): string | null {
  if (first.ids.length !== 1 || second.ids.length !== 1) return 'a stream carried more or less than one id';
  return first.ids[0] === second.ids[0] ? 'both streams carry the same id' : null;
}

/** With a script the texts are known; without one greedy text may differ with the batch size, so only ids are judged. */
function findMixedText(context: SmokeContext, first: ChatAnswer, second: ChatAnswer): string | null {
  const chat = findScript(context, 'chat');
  const endless = findScript(context, 'endless');
  if (chat === null || endless === null || !context.options.features.reasoning) return null;
  const own = compareWords('first content', chat.content, first.content);
  if (own !== null) return own;
  const rounds = endless.content.repeat(
    Math.ceil(second.content.length / Math.max(1, endless.content.length)) + 1,
  );
  const isPrefix = squeeze(rounds).startsWith(squeeze(second.content));
  return isPrefix ? null : 'the second stream holds text that is not its own';
}

/** White space where a parser may have cut is nobody's text. */
function squeeze(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

export const streamChecks: readonly Check[] = [abort, twoStreams];
