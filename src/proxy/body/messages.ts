import { badRequest, type Refusal } from '../refusal.ts';
import { anyJson } from './free-form.ts';
import {
  type BodyContext,
  type Check,
  checkObject,
  either,
  fields,
  integer,
  isObject,
  list,
  object,
  oneOf,
  string,
  text,
  wrong,
} from './checks.ts';

const isArray = (value: unknown): boolean => Array.isArray(value);

const toolCall = fields({
  id: string(256),
  type: oneOf('function'),
  index: integer(0, 1_024),
  function: object(fields({ name: string(256), arguments: text })),
});

const textPart = fields({ type: oneOf('text'), text });
const refusalPart = fields({ type: oneOf('refusal'), refusal: text });
const imagePart = fields({
  type: oneOf('image_url'),
  image_url: object(fields({ url: checkDataUrl, detail: oneOf('auto', 'low', 'high') })),
});

/** Only bytes that the client brings: a URL would be fetched by the engine (CVE-2026-24779, CVE-2026-25960, CVE-2025-6242). */
function checkDataUrl(value: unknown, path: string): Refusal | null {
  const isData =
    typeof value === 'string' && /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/.test(value);
  return isData ? null : badRequest(`"${path}" must be a data: URL of a picture`, path, 'media_denied');
}

const checkPart: Check = (value, path, context) => {
  if (!isObject(value)) return wrong(path, 'an object with a type', value);
  switch (value['type']) {
    case 'text':
      return checkObject(value, path, textPart, context);
    case 'refusal':
      return checkObject(value, path, refusalPart, context);
    case 'image_url':
      if (context.policy.media === 'data') return checkObject(value, path, imagePart, context);
      return mediaDenied(value, path);
    default:
      return mediaDenied(value, path);
  }
};

/** Decoders of pictures, sound and video have been ways in (CVE-2026-22778, CVE-2026-54236). */
const mediaDenied = (value: Record<string, unknown>, path: string): Refusal =>
  badRequest(
    `"${path}.type" ${JSON.stringify(value['type'] ?? null).slice(0, 60)} is not accepted: this model is served with text only`,
    `${path}.type`,
    'media_denied',
  );

const content = either(
  isArray,
  list((bounds) => bounds.messages, checkPart),
  text,
);

const message = fields({
  role: oneOf('system', 'developer', 'user', 'assistant', 'tool'),
  content,
  name: string(256),
  tool_calls: list((bounds) => bounds.tools, object(toolCall)),
  tool_call_id: string(256),
  reasoning: text,
  reasoning_content: text,
  refusal: text,
  annotations: { check: anyJson, isForwarded: false },
  audio: { check: (value: unknown, path: string) => wrong(path, 'null', value), isForwarded: false },
  function_call: { check: (value: unknown, path: string) => wrong(path, 'null', value), isForwarded: false },
});

/** `messages` of a chat request. The role is required, all else depends on it and is the engine's to judge. */
export function checkMessages(value: unknown, path: string, context: BodyContext): Refusal | null {
  const max = context.bounds.messages;
  if (!Array.isArray(value) || value.length === 0 || value.length > max)
    return wrong(path, `an array of 1 to ${max} messages`, value);
  for (let at = 0; at < value.length; at += 1) {
    const item: unknown = value[at];
    const problem = checkObject(item, `${path}[${at}]`, message, context);
    if (problem !== null) return problem;
    if ((item as Record<string, unknown>)['role'] == null) return wrong(`${path}[${at}].role`, 'given', null);
  }
  return null;
}
