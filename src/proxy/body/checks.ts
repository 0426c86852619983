import type { BodyBounds, ProxyPolicy } from '../policy.ts';
import { badRequest, type Refusal } from '../refusal.ts';

/** What a check may look at besides the value. */
export interface BodyContext {
  readonly policy: Pick<ProxyPolicy, 'unknownFields' | 'media' | 'templateKwargs'>;
  readonly bounds: BodyBounds;
  /** The key may use gated fields. */
  readonly isAdvanced: boolean;
  /** Fields left out under `unknownFields: drop`, for the counter. */
  dropped: number;
}

/** Says what is wrong with a value, or null. By hand and not by zod: this runs for every request, in a budget of microseconds. */
export type Check = (value: unknown, path: string, context: BodyContext) => Refusal | null;

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const describe = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'string') return `a string of ${value.length} characters`;
  return typeof value === 'object' ? 'an object' : String(value).slice(0, 40);
};

export const wrong = (path: string, expected: string, value: unknown): Refusal =>
  badRequest(`"${path}" must be ${expected}, got ${describe(value)}`, path, 'invalid_value');

export const boolean: Check = (value, path) =>
  typeof value === 'boolean' ? null : wrong(path, 'true or false', value);

export const number =
  (min: number, max: number): Check =>
  (value, path) =>
    typeof value === 'number' && value >= min && value <= max
      ? null
      : wrong(path, `a number from ${min} to ${max}`, value);

/** Safe integers only: one beyond 2^53 would reach the engine as another number. */
export const integer =
  (min: number, max: number = Number.MAX_SAFE_INTEGER): Check =>
  (value, path) =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
      ? null
      : wrong(path, `an integer from ${min} to ${max}`, value);

/** An integer with a bound of the policy. */
export const boundedInteger =
  (min: number, bound: keyof BodyBounds): Check =>
  (value, path, context) =>
    integer(min, context.bounds[bound])(value, path, context);

export const string =
  (maxChars: number): Check =>
  (value, path) =>
    typeof value === 'string' && value.length <= maxChars
      ? null
      : wrong(path, `a string of at most ${maxChars} characters`, value);

export const text: Check = (value, path) =>
  typeof value === 'string' ? null : wrong(path, 'a string', value);

export const oneOf =
  (...names: readonly string[]): Check =>
  (value, path) =>
    typeof value === 'string' && names.includes(value)
      ? null
      : wrong(path, `one of ${names.join(', ')}`, value);

export const list =
  (maxOf: (bounds: BodyBounds) => number, item: Check): Check =>
  (value, path, context) => {
    const max = maxOf(context.bounds);
    if (!Array.isArray(value) || value.length > max) return wrong(path, `an array of at most ${max}`, value);
    for (let at = 0; at < value.length; at += 1) {
      const problem = item(value[at], `${path}[${at}]`, context);
      if (problem !== null) return problem;
    }
    return null;
  };

export const either =
  (isFirst: (value: unknown) => boolean, first: Check, second: Check): Check =>
  (value, path, context) =>
    isFirst(value) ? first(value, path, context) : second(value, path, context);

export interface Field {
  readonly check: Check;
  /** False: accepted for the sake of clients, not sent on. */
  readonly isForwarded: boolean;
}

/** Known members of an object, by name. A Map: `__proto__` and `constructor` are unknown there, not inherited. */
export type Fields = ReadonlyMap<string, Field>;

export const fields = (table: Readonly<Record<string, Check | Field>>): Fields =>
  new Map(
    Object.entries(table).map(([name, entry]) => [
      name,
      typeof entry === 'function' ? { check: entry, isForwarded: true } : entry,
    ]),
  );

/** Null is "not given" everywhere in these APIs; it passes and is forwarded as it came. */
export function checkObject(
  value: unknown,
  path: string,
  known: Fields,
  context: BodyContext,
): Refusal | null {
  if (!isObject(value)) return wrong(path === '' ? 'body' : path, 'an object', value);
  for (const name of Object.keys(value)) {
    const field = known.get(name);
    const at = path === '' ? name : `${path}.${name}`;
    if (field === undefined) {
      if (context.policy.unknownFields === 'refuse')
        return badRequest(`unknown field "${at.slice(0, 120)}"`, at.slice(0, 120), 'unknown_field');
      context.dropped += 1;
      delete value[name];
      continue;
    }
    if (value[name] !== null) {
      const problem = field.check(value[name], at, context);
      if (problem !== null) return problem;
    }
    if (!field.isForwarded) delete value[name];
  }
  return null;
}

export const object =
  (known: Fields): Check =>
  (value, path, context) =>
    checkObject(value, path, known, context);
