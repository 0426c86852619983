import { StepError } from '../../lib/index.ts';
import { headerOf, type HeaderMap } from './exchange.ts';

/** An answer of the hub (or of its file server) that is not the thing asked for. */
export interface RefusedAnswer {
  readonly status: number;
  readonly headers: HeaderMap;
  readonly body: string;
}

export interface AskedFor {
  /** What was asked, for the message: `the file list of a/b`. */
  readonly what: string;
  readonly endpoint: string;
  readonly repo: string;
  readonly revision: string;
  readonly hasToken: boolean;
  readonly tokenSource: string | null;
}

type Maker = (answer: RefusedAnswer, asked: AskedFor) => StepError;

/** Status, request id and the first words of the body: what a hub's support asks for. */
export function describeAnswer(answer: RefusedAnswer): string {
  const id = ['x-request-id', 'x-amzn-trace-id', 'x-amz-cf-id']
    .map((name) => headerOf(answer.headers, name))
    .find((v) => v !== null);
  const said =
    headerOf(answer.headers, 'x-error-message') ?? answer.body.replace(/\s+/g, ' ').trim().slice(0, 200);
  return [`HTTP ${answer.status}`, said === '' ? null : said, id === undefined ? null : `request ${id}`]
    .filter((part) => part !== null)
    .join('; ');
}

const tokenAdvice = (asked: AskedFor): string =>
  asked.hasToken
    ? `the token used came from ${asked.tokenSource ?? 'the caller'}`
    : 'no token was sent: set HF_TOKEN, or run `hf auth login`';

const repoUnknown: Maker = (answer, asked) =>
  new StepError('STEP_MODEL_REPO_UNKNOWN', {
    verdict: `${asked.endpoint} shows no model ${asked.repo}`,
    reason: `${describeAnswer(answer)}; a private model looks the same; ${tokenAdvice(asked)}`,
    next: 'check the spelling (case matters), or send a token that may read it',
    details: { repo: asked.repo, status: answer.status, sentToken: asked.hasToken },
  });

const revisionUnknown: Maker = (answer, asked) =>
  new StepError('STEP_MODEL_REVISION_UNKNOWN', {
    verdict: `${asked.repo} has no revision ${JSON.stringify(asked.revision)}`,
    reason: describeAnswer(answer),
    next: `stepctl pull ${asked.repo} --revision main`,
    details: { repo: asked.repo, revision: asked.revision },
  });

const gated: Maker = (answer, asked) =>
  new StepError('STEP_MODEL_GATED', {
    verdict: `${asked.repo} is gated and access is not granted`,
    reason: `${describeAnswer(answer)}; ${tokenAdvice(asked)}`,
    next: `accept the terms on ${asked.endpoint}/${asked.repo}, then run the command again with that account's token`,
    details: {
      repo: asked.repo,
      page: `${asked.endpoint}/${asked.repo}`,
      sentToken: asked.hasToken,
      tokenSource: asked.tokenSource,
    },
  });

const fileUnknown: Maker = (answer, asked) =>
  new StepError('STEP_MODEL_FILE_UNKNOWN', {
    verdict: `the hub does not have ${asked.what}`,
    reason: `${describeAnswer(answer)}; it is in the hub's own list`,
    next: 'run the command again; if it stays, the mirror or the repository is broken',
  });

const tokenRefused: Maker = (answer, asked) =>
  new StepError('STEP_MODEL_TOKEN_REFUSED', {
    verdict: `${asked.endpoint} refuses ${asked.hasToken ? 'the token' : 'to answer without a token'}`,
    reason: `${describeAnswer(answer)}; ${tokenAdvice(asked)}`,
    next: 'run `hf auth login` for a fresh token, or unset HF_TOKEN if the model is public',
  });

const byCode: Readonly<Record<string, Maker>> = {
  RepoNotFound: repoUnknown,
  RevisionNotFound: revisionUnknown,
  GatedRepo: gated,
  EntryNotFound: fileUnknown,
};

/** Names what the hub meant by a final refusal. X-Error-Code first; a mirror without it is judged by its status. */
export function explainRefusal(answer: RefusedAnswer, asked: AskedFor): StepError {
  const make = byCode[headerOf(answer.headers, 'x-error-code') ?? ''];
  if (make !== undefined) return make(answer, asked);
  if (answer.status === 401 || answer.status === 403) return tokenRefused(answer, asked);
  if (answer.status === 404) return repoUnknown(answer, asked);
  if (answer.status === 429)
    return new StepError('STEP_MODEL_HUB_THROTTLED', {
      verdict: `the hub keeps answering 429 to ${asked.what}`,
      reason: `${describeAnswer(answer)}; ${tokenAdvice(asked)}`,
      next: 'wait five minutes and run the command again; what was fetched is kept',
    });
  if (answer.status >= 500)
    return new StepError('STEP_MODEL_HUB_UNREACHABLE', {
      verdict: `the hub keeps failing on ${asked.what}`,
      reason: describeAnswer(answer),
      next: 'run the command again; what was fetched is kept',
    });
  return brokenAnswer(asked.what, describeAnswer(answer));
}

/** The protocol was broken: an answer that no hub should give. */
export const brokenAnswer = (what: string, reason: string): StepError =>
  new StepError('STEP_MODEL_HUB_ANSWER', {
    verdict: `the answer to ${what} is not what the hub protocol promises`,
    reason,
    next: 'check HF_ENDPOINT and any proxy in between; run the command again, what was fetched is kept',
  });

/** No answer at all, after every try. */
export const unreachable = (what: string, url: URL, cause: Error): StepError =>
  new StepError('STEP_MODEL_HUB_UNREACHABLE', {
    verdict: `${url.origin} could not be reached for ${what}`,
    reason: failureText(cause),
    next: 'check the network, HF_ENDPOINT and HTTPS_PROXY; run the command again, what was fetched is kept',
    cause,
  });

/** The innermost message of a transport error: undici wraps the system's. */
export function failureText(error: Error): string {
  const inner =
    error instanceof AggregateError ? error.errors.find((one) => one instanceof Error) : error.cause;
  if (inner instanceof Error && inner.message !== '') return inner.message;
  return error.message === '' ? error.name : error.message;
}
