import { z } from 'zod';

/** An error as the OpenAI-shaped API reports it. */
export class ApiError extends Error {
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  constructor(status: number, type: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.type = type;
    this.param = param;
  }
  body(): unknown {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.status } };
  }
}

const bad = (message: string, param: string | null = null) =>
  new ApiError(400, 'BadRequestError', message, param);

const content = z
  .union([z.string(), z.array(z.looseObject({ text: z.string().optional() })), z.null()])
  .optional();
const common = {
  model: z.string().optional(),
  max_tokens: z.number().int().nullish(),
  max_completion_tokens: z.number().int().nullish(),
  min_tokens: z.number().int().min(0).nullish(),
  ignore_eos: z.boolean().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), continuous_usage_stats: z.boolean().nullish() })
    .nullish(),
  temperature: z.number().min(0).nullish(),
};
const chatSchema = z.looseObject({
  ...common,
  messages: z.array(z.looseObject({ role: z.string(), content })).min(1),
  tools: z.array(z.unknown()).nullish(),
  tool_choice: z.unknown().optional(),
  logprobs: z.boolean().nullish(),
});
const completionSchema = z.looseObject({
  ...common,
  prompt: z.union([z.string(), z.array(z.string()), z.array(z.number())]),
  logprobs: z.number().nullish(),
});

/** One request, whatever its route, reduced to what decoding needs. */
export interface SimRequest {
  readonly kind: 'chat' | 'completion';
  /** Last user message, or the prompt. */
  readonly question: string;
  readonly promptTokens: number;
  readonly hasTools: boolean;
  readonly maxTokens: number;
  readonly minTokens: number;
  readonly ignoresEos: boolean;
  readonly isStream: boolean;
  readonly hasUsageChunk: boolean;
  readonly hasUsageInEach: boolean;
  readonly hasLogprobs: boolean;
}

export interface RequestLimits {
  readonly servedName: string;
  readonly maxModelLen: number;
}

const textOf = (value: z.infer<typeof content>): string =>
  typeof value === 'string' ? value : (value ?? []).map((part) => part.text ?? '').join('');

/** Tokens of a prompt, roughly as a byte-pair tokenizer would count them, plus the chat template's own. */
const countPrompt = (text: string): number => Math.ceil(text.length / 4) + 8;

function parseBody<T>(schema: z.ZodType<T>, text: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad("[{'type': 'json_invalid', 'msg': 'JSON decode error'}]");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw bad(issue?.message ?? 'invalid request', issue?.path.join('.') ?? null);
}

function limitTokens(
  body: z.infer<typeof chatSchema> | z.infer<typeof completionSchema>,
  promptTokens: number,
  limits: RequestLimits,
) {
  if (body.model !== undefined && body.model !== limits.servedName) {
    throw new ApiError(404, 'NotFoundError', `The model \`${body.model}\` does not exist.`, 'model');
  }
  const room = limits.maxModelLen - promptTokens;
  const asked = body.max_completion_tokens ?? body.max_tokens ?? null;
  if (asked !== null && asked < 1) throw bad(`max_tokens must be at least 1, got ${asked}.`, 'max_tokens');
  if (room < 1 || (asked !== null && asked > room)) {
    throw bad(
      `This model's maximum context length is ${limits.maxModelLen} tokens. However, you requested ${asked ?? 1} output tokens and your prompt contains ${promptTokens} input tokens.`,
      'input_tokens',
    );
  }
  const minTokens = body.min_tokens ?? 0;
  const maxTokens = asked ?? room;
  if (minTokens > maxTokens)
    throw bad(`min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`);
  return { maxTokens, minTokens };
}

/** Checks a request as vLLM would. Throws ApiError with 400 or 404. */
export function parseRequest(kind: SimRequest['kind'], text: string, limits: RequestLimits): SimRequest {
  const chat = kind === 'chat' ? parseBody(chatSchema, text) : null;
  const completion = kind === 'completion' ? parseBody(completionSchema, text) : null;
  const body = chat ?? completion;
  if (body === null) throw bad('no body');
  const prompt =
    chat?.messages.map((message) => textOf(message.content)).join('\n') ?? String(completion?.prompt ?? '');
  const question = textOf(chat?.messages.findLast((message) => message.role === 'user')?.content) || prompt;
  const promptTokens = countPrompt(prompt);
  const { tools = null, tool_choice: choice } = chat ?? {};
  return {
    kind,
    question,
    promptTokens,
    hasTools: tools !== null && tools.length > 0 && choice !== 'none',
    ...limitTokens(body, promptTokens, limits),
    ignoresEos: body.ignore_eos ?? false,
    isStream: body.stream ?? false,
    hasUsageChunk: body.stream_options?.include_usage ?? false,
    hasUsageInEach: body.stream_options?.continuous_usage_stats ?? false,
    hasLogprobs: (chat?.logprobs ?? false) || typeof completion?.logprobs === 'number',
  };
}
