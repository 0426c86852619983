/** Why admission did not take a request; the label of `stepctl_shed_total`. */
export type ShedReason =
  | 'queue_full'
  | 'bytes'
  | 'deadline'
  | 'eta'
  | 'engine_unavailable'
  | 'draining'
  | 'rate'
  | 'concurrency';

/** An answer of the proxy itself, in the shape of an OpenAI error. */
export interface Refusal {
  readonly status: number;
  readonly type: string;
  readonly code: string;
  readonly message: string;
  /** The field at fault, dotted. */
  readonly param: string | null;
  /** Flat name, value, name, value. */
  readonly headers: readonly string[];
  readonly shed: ShedReason | null;
  /** The connection cannot be trusted (or used) any further. */
  readonly closes: boolean;
  /** Extra members of `error`, e.g. the diagnosis of a given-up engine. */
  readonly details: Readonly<Record<string, unknown>> | null;
}

type RefusalParts = Pick<Refusal, 'status' | 'code' | 'message'> & Partial<Refusal>;

const typeOf = (status: number): string => {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
};

export function refusal(parts: RefusalParts): Refusal {
  return {
    type: typeOf(parts.status),
    param: null,
    headers: [],
    shed: null,
    closes: false,
    details: null,
    ...parts,
  };
}

/** 400 with the field at fault. */
export const badRequest = (message: string, param: string | null = null, code = 'invalid_request'): Refusal =>
  refusal({ status: 400, code, message, param });

/** Whole seconds, at least one: what a client is told to wait. */
export const retryAfter = (ms: number): readonly string[] => [
  'retry-after',
  String(Math.min(3_600, Math.max(1, Math.ceil(ms / 1_000)))),
];

/** The JSON of an error; `source` tells the proxy's own answers from the engine's. */
export const renderRefusal = ({ message, type, param, code, details }: Refusal): string =>
  JSON.stringify({ error: { message, type, param, code, ...details }, source: 'stepctl-proxy' });
