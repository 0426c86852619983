import { badRequest, type Refusal } from '../refusal.ts';
import { type BodyContext, type Check, isObject, wrong } from './checks.ts';

/** Values that are data inside a schema: `type` and `pattern` mean nothing there. */
const dataKeywords = new Set(['const', 'enum', 'default', 'examples', 'example']);
const schemaTypes = new Set(['string', 'number', 'integer', 'boolean', 'object', 'array', 'null']);

/** Any JSON, at most `depth` levels deep. */
export const anyJson: Check = (value, path, context) =>
  isTooDeep(value, context.bounds.depth) ? tooDeep(path, context) : null;

const tooDeep = (path: string, context: BodyContext): Refusal =>
  badRequest(`"${path}" is nested deeper than ${context.bounds.depth} levels`, path, 'too_deep');

function isTooDeep(value: unknown, left: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (left === 0) return true;
  const items = Array.isArray(value) ? value : Object.values(value);
  return items.some((item) => isTooDeep(item, left - 1));
}

/**
 * A JSON Schema as tools and response formats carry it: bounded depth, `type` a name that exists, `pattern` bounded and a
 * regular expression (CVE-2025-48944: either one wrong ended the engine; CVE-2025-29770: unbounded grammars filled the disk).
 */
export const jsonSchema: Check = (value, path, context) => {
  if (!isObject(value)) return wrong(path, 'a JSON Schema object', value);
  return anyJson(value, path, context) ?? checkSchema(value, path, context);
};

function checkSchema(schema: unknown, path: string, context: BodyContext): Refusal | null {
  if (Array.isArray(schema)) {
    for (const item of schema) {
      const problem = checkSchema(item, path, context);
      if (problem !== null) return problem;
    }
    return null;
  }
  if (!isObject(schema)) return null;
  for (const name of Object.keys(schema)) {
    if (dataKeywords.has(name)) continue;
    const problem =
      checkKeyword(name, schema[name], path, context) ?? checkSchema(schema[name], path, context);
    if (problem !== null) return problem;
  }
  return null;
}

/** Objects pass: under `properties`, "type" and "pattern" are names of members. */
function checkKeyword(name: string, value: unknown, path: string, context: BodyContext): Refusal | null {
  if (isObject(value)) return null;
  if (name === 'type') {
    const names: unknown[] = Array.isArray(value) ? value : [value];
    const isKnown = names.every((item) => typeof item === 'string' && schemaTypes.has(item));
    return isKnown ? null : wrong(`${path}.type`, `one of ${[...schemaTypes].join(', ')}`, value);
  }
  if (name === 'pattern') return checkPattern(value, `${path}.pattern`, context);
  return null;
}

export const checkPattern: Check = (value, path, context) => {
  const max = context.bounds.patternChars;
  if (typeof value !== 'string' || value.length > max)
    return wrong(path, `a pattern of at most ${max} characters`, value);
  try {
    RegExp(value);
    return null;
  } catch {
    return wrong(path, 'a regular expression', value);
  }
};
