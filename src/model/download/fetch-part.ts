import type { StepError } from '../../lib/index.ts';
import { throttleOf } from '../hub/client.ts';
import type { ExchangeEnd } from '../hub/exchange.ts';
import { askedFor } from '../hub/listing.ts';
import { brokenAnswer, describeAnswer, explainRefusal, failureText, unreachable } from '../hub/refusal.ts';
import { type FileLink, redirectedLink } from '../hub/resolve.ts';
import { decideRetry } from '../hub/retry.ts';
import type { FetchContext } from './context.ts';
import { type FileTask, noteWritten, returnPart } from './file-task.ts';
import { createPartWriter, type PartWriter } from './part-writer.ts';
import type { ByteRange } from './ranges.ts';
import { requestRest, type Setback } from './request-rest.ts';

// Progress that wipes out earlier failures: less than this could trickle for ever.
const progressBytes = 64 << 10;
const maxRenewals = 3;
const maxIgnoredRanges = 2;

/**
 * Fetches one part, over as many requests as it takes. Resolves when its bytes are received, or the part is given back
 * (the file goes over to whole mode), so that the connection can take the next one while `sealed` writes and journals
 * the rest; the ledger bounds how far that may lag. Throws a named StepError when the part cannot be had, after what
 * came of it is journalled.
 */
export async function fetchPart(
  context: FetchContext,
  task: FileTask,
  part: ByteRange,
): Promise<{ readonly sealed: Promise<void> }> {
  const cut = new AbortController();
  const writer = createPartWriter({
    partial: task.partial,
    part,
    ledger: context.ledger,
    unitBytes: context.tuning.unitBytes,
    buffers: context.buffers,
    onWritten: (range) => noteWritten(task, range),
    onFailure: () => cut.abort(),
  });
  const seal = (): Promise<void> => writer.seal().finally(() => returnPart(task, part, writer.position()));
  try {
    await fetchRest(context, task, part, writer, cut.signal);
  } catch (error) {
    await seal();
    throw error;
  }
  return { sealed: seal() };
}

async function fetchRest(
  context: FetchContext,
  task: FileTask,
  part: ByteRange,
  writer: PartWriter,
  cut: AbortSignal,
): Promise<void> {
  const { client } = context;
  let failures = 0;
  let renewals = 0;
  let mark = writer.position();
  while (writer.position() < part.end && !cut.aborted) {
    context.signal.throwIfAborted();
    await client.gate.pass(context.signal);
    const link = await task.link.get();
    const setback = await requestRest(context, task, part, writer, link, cut);
    context.signal.throwIfAborted();
    if (setback === null || cut.aborted) continue;
    if (writer.position() - mark >= progressBytes) {
      mark = writer.position();
      failures = 0;
      renewals = 0;
    }
    if (setback.kind === 'redirect') {
      task.link.replace(link, redirectedLink(link, setback.to));
      renewals += 1;
      if (renewals > maxRenewals) throw brokenAnswer(task.file.path, 'the file server redirects without end');
      continue;
    }
    if (setback.kind === 'ignored-range') {
      task.ignoredRanges += 1;
      if (task.ignoredRanges >= maxIgnoredRanges) {
        task.isWhole = true;
        return; // given back: one connection reads the file from its first byte
      }
    }
    if (setback.kind === 'link') {
      renewals += 1;
      if (renewals > maxRenewals) throw linkRefused(context, task, link, setback.end);
      client.reporter.stage('renewed', `a new link for ${task.file.path}: ${describeAnswer(setback.end)}`);
    }
    if (setback.kind !== 'status') task.link.drop(link);
    failures += 1;
    await afterFailure(context, task, link, setback, failures);
  }
}

/** Waits as the failure asks, or throws when there were too many. */
async function afterFailure(
  context: FetchContext,
  task: FileTask,
  link: FileLink,
  setback: Setback,
  failures: number,
): Promise<void> {
  const { client } = context;
  const refused = setback.kind === 'status' ? setback.end : null;
  const throttleMs = refused === null ? null : throttleOf(refused.headers, client.clock);
  const decision = decideRetry(
    { failures, status: refused?.status ?? null, throttleMs },
    client.policy,
    Math.random(),
  );
  if (decision.action === 'give-up') throw finalError(context, task, link, setback);
  if (setback.kind === 'lost')
    client.reporter.stage(
      'reconnected',
      `${task.file.path}: ${failureText(setback.error)} (${failures} of ${client.policy.maxFailures})`,
    );
  if (decision.throttled) client.gate.close(decision.waitMs);
  // A bad link is replaced at once; its renewals are bounded on their own.
  else if (setback.kind !== 'link') await client.clock.sleep(decision.waitMs, context.signal);
}

function finalError(context: FetchContext, task: FileTask, link: FileLink, setback: Setback): StepError {
  const asked = askedFor(context.client, `${task.file.path} of ${context.client.repo}`, context.commit);
  if (setback.kind === 'status' || setback.kind === 'link') return explainRefusal(setback.end, asked);
  if (setback.kind === 'lost') return unreachable(asked.what, link.url, setback.error);
  return brokenAnswer(asked.what, setback.kind === 'broken' ? setback.reason : 'ranges are ignored');
}

/** A link that stays refused; the hub's own refusals have a meaning, those of a file server only a text. */
function linkRefused(
  context: FetchContext,
  task: FileTask,
  link: FileLink,
  end: Extract<ExchangeEnd, { kind: 'refused' }>,
): StepError {
  const asked = askedFor(context.client, `${task.file.path} of ${context.client.repo}`, context.commit);
  if (link.isHub) return explainRefusal(end, asked);
  return brokenAnswer(
    asked.what,
    `${link.url.host} refuses ${maxRenewals + 1} fresh links in a row: ${describeAnswer(end)}`,
  );
}
