import type { ProxyPolicy } from '../policy.ts';
import { badRequest, type Refusal, refusal } from '../refusal.ts';
import type { RouteName } from '../routes.ts';
import { type BodyContext, checkObject, type JsonObject } from './checks.ts';
import { hasLoneSurrogate, parseJson } from './parse-json.ts';
import { chatFields, completionFields } from './route-fields.ts';

/** A validated body as the engine will get it. */
export interface CheckedBody {
  readonly bytes: Buffer;
  readonly isStream: boolean;
  /** The client asked for the usage chunk of a stream; otherwise the proxy takes it out again. */
  readonly wantsUsage: boolean;
  readonly droppedFields: number;
}

export interface BodyRequest {
  readonly route: RouteName;
  readonly bytes: Buffer;
  readonly servedName: string;
  readonly scopes: readonly string[];
  readonly policy: ProxyPolicy;
}

/**
 * Fifth stage: parses, checks every field against the route's list, and writes the body anew, so that duplicate names,
 * odd escapes and numbers cannot be read differently by the engine. A stream is asked for its usage, to count tokens.
 */
export function applyBodyPolicy(request: BodyRequest): CheckedBody | Refusal {
  const { policy, servedName } = request;
  const parsed = parseJson(request.bytes);
  if ('status' in parsed) return parsed;
  const context: BodyContext = {
    policy,
    bounds: policy.bounds,
    isAdvanced: request.scopes.includes('advanced'),
    dropped: 0,
  };
  const isChat = request.route === 'chat';
  const problem = checkObject(parsed.value, '', isChat ? chatFields : completionFields, context);
  if (problem !== null) return problem;
  const body = parsed.value as JsonObject;
  const mismatch = checkTogether(body, servedName, isChat, context);
  if (mismatch !== null) return mismatch;
  const isStream = body['stream'] === true;
  const wantsUsage = isStream && askForUsage(body);
  if (!isStream) delete body['stream_options'];
  const json = JSON.stringify(body);
  if (hasLoneSurrogate(json)) return badRequest('the body holds half a surrogate pair', null, 'invalid_json');
  return { bytes: Buffer.from(json), isStream, wantsUsage, droppedFields: context.dropped };
}

/** Turns `include_usage` on; true when the client had asked for it. */
function askForUsage(body: JsonObject): boolean {
  const options = (body['stream_options'] ?? {}) as JsonObject;
  const wanted = options['include_usage'] === true;
  body['stream_options'] = wanted ? options : { include_usage: true };
  return wanted;
}

/** Rules over several fields. */
function checkTogether(
  body: JsonObject,
  servedName: string,
  isChat: boolean,
  context: BodyContext,
): Refusal | null {
  const { model } = body;
  if (model !== undefined && model !== null && model !== servedName) {
    return refusal({
      status: 404,
      code: 'model_not_found',
      message: `no model ${JSON.stringify(model)} here; this is "${servedName}"`,
      param: 'model',
    });
  }
  const needed = isChat ? 'messages' : 'prompt';
  if (body[needed] === undefined || body[needed] === null)
    return badRequest(`"${needed}" is missing`, needed, 'missing_field');
  return checkTokens(body, context) ?? checkEcho(body, context);
}

/** CVE-2026-114051: a `min_tokens` out of reach kept the engine in one request for ever. */
function checkTokens(body: JsonObject, { bounds }: BodyContext): Refusal | null {
  const min = (body['min_tokens'] ?? 0) as number;
  const max = (body['max_completion_tokens'] ?? body['max_tokens'] ?? null) as number | null;
  if (min <= (max ?? bounds.minTokensAlone)) return null;
  const limit = max === null ? `${bounds.minTokensAlone} without max_tokens` : `max_tokens (${max})`;
  return badRequest(`"min_tokens" ${min} is more than ${limit}`, 'min_tokens', 'invalid_value');
}

/** CVE-2026-116180: echo with logprobs computes logprobs of the whole prompt. */
function checkEcho(body: JsonObject, context: BodyContext): Refusal | null {
  const { logprobs } = body;
  const hasLogprobs = logprobs !== undefined && logprobs !== null && logprobs !== false;
  if (body['echo'] !== true || !hasLogprobs || context.isAdvanced) return null;
  return refusal({
    status: 403,
    code: 'field_gated',
    message: '"echo" with "logprobs" needs a key with the scope "advanced"',
    param: 'echo',
  });
}
