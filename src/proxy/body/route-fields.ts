import {
  boolean,
  boundedInteger,
  type Check,
  either,
  type Fields,
  fields,
  integer,
  list,
  object,
  oneOf,
  string,
  text,
  wrong,
} from './checks.ts';
import { jsonSchema } from './free-form.ts';
import { denied, ignored } from './gates.ts';
import { checkMessages } from './messages.ts';
import { samplingFields } from './sampling.ts';

const isText = (value: unknown): boolean => typeof value === 'string';

const tool = fields({
  type: oneOf('function'),
  function: object(
    fields({ name: string(256), description: string(65_536), parameters: jsonSchema, strict: boolean }),
  ),
});

const toolChoice = either(
  isText,
  oneOf('none', 'auto', 'required'),
  object(fields({ type: oneOf('function'), function: object(fields({ name: string(256) })) })),
);

const templateDenial = denied(
  'a chat template is code that the engine runs (CVE-2026-115911, CVE-2026-115918)',
);

/** POST /v1/chat/completions: OpenAI's fields, vLLM's sampling fields, nothing else. */
export const chatFields: Fields = fields({
  ...samplingFields,
  messages: checkMessages,
  max_completion_tokens: boundedInteger(1, 'maxTokens'),
  logprobs: boolean,
  top_logprobs: boundedInteger(0, 'logprobs'),
  tools: list((bounds) => bounds.tools, object(tool)),
  tool_choice: toolChoice,
  parallel_tool_calls: boolean,
  reasoning_effort: string(16),
  include_reasoning: boolean,
  thinking_token_budget: integer(-1, 10_000_000),
  echo: boolean,
  add_generation_prompt: boolean,
  continue_final_message: boolean,
  verbosity: ignored(string(16)),
  modalities: ignored(list(() => 4, oneOf('text'))),
  chat_template: templateDenial,
  documents: templateDenial,
});

const token = integer(0, 2 ** 31 - 1);

/** By hand: a prompt may have 100,000 tokens, and `list` makes a path for each. */
const tokens: Check = (value, path, context) => {
  if (!Array.isArray(value)) return wrong(path, 'an array of token ids', value);
  const at = value.findIndex((item) => token(item, '', context) !== null);
  return at === -1 ? null : token(value[at], `${path}[${at}]`, context);
};
const isNumber = (value: unknown): boolean => typeof value === 'number';

/** A text, tokens, or a short list of either: every item is a request of its own at the engine (PYSEC-2026-3704). */
const prompt: Check = (value, path, context) => {
  if (typeof value === 'string') return null;
  if (!Array.isArray(value) || value.length === 0)
    return wrong(path, 'a text, tokens, or a list of these', value);
  if (isNumber(value[0])) return tokens(value, path, context);
  return list((bounds) => bounds.promptList, either(isText, text, tokens))(value, path, context);
};

/** POST /v1/completions. */
export const completionFields: Fields = fields({
  ...samplingFields,
  prompt,
  echo: boolean,
  suffix: string(0),
  logprobs: boundedInteger(0, 'logprobs'),
});
