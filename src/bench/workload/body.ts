/** Fields beyond the plain OpenAI request. A strict front door may refuse any of them; bench then does without and says so. */
export const optionalFields = [
  'cache_salt',
  'ignore_eos',
  'min_tokens',
  'stream_options.continuous_usage_stats',
  'seed',
] as const;

export type OptionalField = (typeof optionalFields)[number];

export interface BodyParts {
  readonly model: string;
  readonly prompt: string;
  readonly outputTokens: number;
  readonly seed: number;
  /** Different for every request, so that no request finds another's prefix in the cache. */
  readonly salt: string;
  readonly fields: ReadonlySet<OptionalField>;
  readonly extraBody: Readonly<Record<string, unknown>>;
}

/** The request body: exactly `outputTokens` tokens where the server accepts the fields that fix the length. */
export function makeBody(parts: BodyParts): Record<string, unknown> {
  const { fields, outputTokens } = parts;
  const isContinuous = fields.has('stream_options.continuous_usage_stats');
  return {
    model: parts.model,
    messages: [{ role: 'user', content: parts.prompt }],
    stream: true,
    stream_options: { include_usage: true, ...(isContinuous ? { continuous_usage_stats: true } : {}) },
    max_tokens: outputTokens,
    temperature: 0,
    ...(fields.has('min_tokens') ? { min_tokens: outputTokens } : {}),
    ...(fields.has('ignore_eos') ? { ignore_eos: true } : {}),
    ...(fields.has('cache_salt') ? { cache_salt: parts.salt } : {}),
    ...(fields.has('seed') ? { seed: parts.seed } : {}),
    ...parts.extraBody,
  };
}

/**
 * Which fields to leave out after a refusal: those the server's message names, else the first one left (they are listed
 * from the most to the least dispensable for the figures' meaning). Empty: nothing is left to leave out.
 */
export function fieldsToDrop(message: string, sent: ReadonlySet<OptionalField>): OptionalField[] {
  const named = [...sent].filter((field) => message.includes(field.slice(field.lastIndexOf('.') + 1)));
  if (named.length > 0) return named;
  const [first] = sent;
  return first === undefined ? [] : [first];
}
