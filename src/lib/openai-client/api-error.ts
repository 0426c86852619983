import { StepError } from '../errors/step-error.ts';
import type { ErrorCode } from '../errors/catalogue.ts';

/**
 * How a request failed: unreachable (no connection), refused (an HTTP status that is not 2xx),
 * broken (connection cut or nonsense inside), timed-out (own deadline), aborted (the caller's signal).
 */
export type ApiFailureKind = 'unreachable' | 'refused' | 'broken' | 'timed-out' | 'aborted';

export interface ApiFailure {
  readonly kind: ApiFailureKind;
  readonly status: number | null;
  readonly message: string;
  /** Head of the answer's body: the server's own words. */
  readonly body: string | null;
  readonly requestId: string | null;
}

const codes = {
  unreachable: 'STEP_API_UNREACHABLE',
  refused: 'STEP_API_REFUSED',
  broken: 'STEP_API_BROKEN',
  'timed-out': 'STEP_API_TIMEOUT',
  aborted: 'STEP_INTERRUPTED',
} as const satisfies Record<ApiFailureKind, ErrorCode>;

/** A failed request to an OpenAI-compatible API, with the server's status and body kept. */
export class ApiError extends StepError {
  readonly failure: ApiFailure;

  constructor(what: string, failure: ApiFailure, cause?: unknown) {
    super(codes[failure.kind], {
      verdict: describeVerdict(what, failure),
      reason: failure.message,
      next: adviseNext(failure),
      details: { ...failure },
      ...(cause === undefined ? {} : { cause }),
    });
    this.name = 'ApiError';
    this.failure = failure;
  }
}

function describeVerdict(what: string, failure: ApiFailure): string {
  switch (failure.kind) {
    case 'unreachable':
      return `${what}: nothing answers there`;
    case 'refused':
      return `${what}: answered ${failure.status}`;
    case 'broken':
      return `${what}: the answer broke off`;
    case 'timed-out':
      return `${what}: no end before the deadline`;
    case 'aborted':
      return `${what}: stopped`;
  }
}

function adviseNext(failure: ApiFailure): string {
  if (failure.kind === 'unreachable') return 'look whether the stack is up: stepctl status';
  if (failure.status === 401 || failure.status === 403)
    return 'give a key: STEPCTL_API_KEY=KEY (stepctl keys create makes one)';
  if (failure.status === 404) return 'look at the model name and the address: stepctl status';
  if (failure.status === 429 || failure.status === 503)
    return 'wait until the engine is ready or less busy: stepctl status';
  if (failure.kind === 'aborted') return 'run the command again';
  return "look at the engine's log: stepctl logs engine";
}

const messageLimit = 500;

/** The server's own message out of an error body: OpenAI's `error.message`, FastAPI's `detail`, else the text's head. */
export function readErrorMessage(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const message = pickMessage(parsed);
    if (message !== null) return message.slice(0, messageLimit);
  } catch {
    // Not JSON: a gateway's HTML or plain text, whose head is the message.
  }
  return body.slice(0, messageLimit).trim();
}

function pickMessage(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return null;
  for (const key of ['message', 'error', 'detail'] as const) {
    const inner: unknown = (value as Record<string, unknown>)[key];
    if (inner === undefined || inner === null) continue;
    return pickMessage(inner) ?? JSON.stringify(inner);
  }
  return null;
}
