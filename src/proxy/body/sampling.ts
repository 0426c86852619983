import {
  type BodyContext,
  type Check,
  boolean,
  boundedInteger,
  either,
  type Field,
  fields,
  integer,
  isObject,
  list,
  number,
  object,
  string,
  wrong,
} from './checks.ts';
import { badRequest, type Refusal } from '../refusal.ts';
import { anyJson, checkPattern, jsonSchema } from './free-form.ts';
import { denied, gated, ignored } from './gates.ts';

const isText = (value: unknown): boolean => typeof value === 'string';
const token = integer(0, 2 ** 31 - 1);

const stopText: Check = (value, path, context) =>
  typeof value === 'string' && value.length > 0 && value.length <= context.bounds.stopChars
    ? null
    : wrong(path, `a text of 1 to ${context.bounds.stopChars} characters`, value);

const stop = either(
  isText,
  stopText,
  list((bounds) => bounds.stops, stopText),
);

const logitBias: Check = (value, path, context) => {
  if (!isObject(value)) return wrong(path, 'an object of token ids and numbers', value);
  const entries = Object.entries(value);
  if (entries.length > context.bounds.logitBias)
    return wrong(path, `at most ${context.bounds.logitBias} entries`, entries);
  for (const [id, bias] of entries) {
    if (!/^\d{1,9}$/.test(id)) return wrong(path, 'an object whose names are token ids', id);
    const problem = number(-100, 100)(bias, `${path}.${id}`, context);
    if (problem !== null) return problem;
  }
  return null;
};

/** Older engines let a schema end them (CVE-2026-105757, PYSEC-2026-3933): bounded, and what compiles a grammar needs the scope. */
const structuredOutputs = object(
  fields({
    json: either(isText, string(100_000), jsonSchema),
    json_object: boolean,
    choice: list((bounds) => bounds.tools, string(1_024)),
    regex: gated(checkPattern),
    grammar: gated(string(20_000)),
    structural_tag: gated(string(20_000)),
    whitespace_pattern: gated(checkPattern),
    disable_any_whitespace: boolean,
    disable_additional_properties: boolean,
  }),
);

const formatTypes = ['text', 'json_object', 'json_schema'];
const responseFormat = object(
  fields({
    type: (value, path) =>
      formatTypes.includes(String(value)) ? null : wrong(path, `one of ${formatTypes.join(', ')}`, value),
    json_schema: object(
      fields({ name: string(256), description: string(4_096), schema: jsonSchema, strict: boolean }),
    ),
  }),
);

/** Names of the list go through: a template reads them. Anything else could replace the template (CVE-2025-62426). */
const templateKwargs: Check = (value: unknown, path: string, context: BodyContext): Refusal | null => {
  if (!isObject(value)) return wrong(path, 'an object', value);
  for (const [name, item] of Object.entries(value)) {
    if (!context.policy.templateKwargs.includes(name)) {
      return badRequest(
        `"${path}.${name.slice(0, 60)}" is not accepted here`,
        `${path}.${name.slice(0, 60)}`,
        'field_denied',
      );
    }
    const isPlain =
      item === null ||
      typeof item === 'boolean' ||
      typeof item === 'number' ||
      (typeof item === 'string' && item.length <= 64);
    if (!isPlain) return wrong(`${path}.${name}`, 'a plain value', item);
  }
  return null;
};

const mediaDenial = denied('it reaches into the media pipeline (CVE-2026-114053, CVE-2026-105760)');

/** Fields that both generation routes have. */
export const samplingFields: Readonly<Record<string, Check | Field>> = {
  model: string(256),
  stream: boolean,
  stream_options: object(fields({ include_usage: boolean, continuous_usage_stats: boolean })),
  max_tokens: boundedInteger(1, 'maxTokens'),
  min_tokens: boundedInteger(0, 'maxTokens'),
  // CVE-2026-34756: n multiplies the work of one request without any bound of the engine's own.
  n: boundedInteger(1, 'n'),
  best_of: boundedInteger(1, 'n'),
  temperature: number(0, 100),
  top_p: number(0, 1),
  top_k: integer(-1, 1_000_000),
  min_p: number(0, 1),
  frequency_penalty: number(-2, 2),
  presence_penalty: number(-2, 2),
  repetition_penalty: number(0, 100),
  length_penalty: number(-100, 100),
  seed: integer(Number.MIN_SAFE_INTEGER),
  stop,
  stop_token_ids: list((bounds) => bounds.logitBias, token),
  include_stop_str_in_output: boolean,
  ignore_eos: boolean,
  skip_special_tokens: boolean,
  spaces_between_special_tokens: boolean,
  add_special_tokens: boolean,
  truncate_prompt_tokens: integer(-1, 10_000_000),
  return_tokens_as_token_ids: boolean,
  return_token_ids: boolean,
  logit_bias: logitBias,
  response_format: responseFormat,
  structured_outputs: structuredOutputs,
  // Gated: CVE-2026-93840 and -93989 (leak into other requests), CVE-2026-116180 (engine ends), cost, queue jumping.
  allowed_token_ids: gated(list(() => 100_000, token)),
  bad_words: gated(list((bounds) => bounds.logitBias, string(1_024))),
  prompt_logprobs: gated(boundedInteger(0, 'logprobs')),
  use_beam_search: gated(boolean),
  priority: gated(integer(-1_000_000, 1_000_000)),
  prompt_embeds: denied(
    'tensors of a client are loaded by the engine (CVE-2026-56340, CVE-2025-62164, PYSEC-2026-2303)',
  ),
  kv_transfer_params: denied('it steers connections between engines'),
  cache_salt: denied('prefix caches are told apart by the proxy, not by clients (CVE-2026-105756)'),
  mm_processor_kwargs: mediaDenial,
  media_io_kwargs: mediaDenial,
  logits_processors: denied('it names code'),
  vllm_xargs: denied('it reaches engine internals'),
  request_id: denied('the proxy names requests'),
  user: ignored(string(512)),
  metadata: ignored(anyJson),
  store: ignored(boolean),
  service_tier: ignored(string(64)),
  safety_identifier: ignored(string(512)),
  prompt_cache_key: ignored(string(512)),
  prompt_cache_retention: ignored(string(64)),
  chat_template_kwargs: templateKwargs,
};
