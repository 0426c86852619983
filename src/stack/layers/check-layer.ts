import type { z } from 'zod';
import { namesInside, stackKeys } from '../keys.ts';
import { nearestName } from '../../lib/index.ts';
import { isSecretName } from '../redact.ts';
import { layerSchema } from '../schema.ts';
import { describePlace, isMapping, type Layer, type Problem } from './layer.ts';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping of keys',
  record: 'a mapping of keys',
};

const describeExpected = (issue: Issue): string => {
  switch (issue.code) {
    case 'invalid_type':
      return kinds[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values
        .map(String)
        .join(', ')
        .replace(/, ([^,]*)$/, ' or $1');
    case 'too_small':
      return `${issue.origin === 'number' || issue.origin === 'int' ? '' : 'length of '}${issue.inclusive === false ? 'more than' : 'at least'} ${String(issue.minimum)}`;
    case 'too_big':
      return `${issue.origin === 'number' || issue.origin === 'int' ? '' : 'length of '}${issue.inclusive === false ? 'less than' : 'at most'} ${String(issue.maximum)}`;
    case 'invalid_union':
      return issue.errors.flatMap((branch) => branch.slice(0, 1).map(describeExpected)).join(' or ');
    case 'invalid_key':
      return issue.issues[0]?.message ?? issue.message;
    default:
      return issue.message;
  }
};

const valueAt = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, step) => {
    if (Array.isArray(inner)) return inner[Number(step)] as unknown;
    return isMapping(inner) ? inner[String(step)] : undefined;
  }, values);

const describeFound = (value: unknown, path: readonly PropertyKey[]): string => {
  if (path.some((step) => isSecretName(String(step)))) return '(not shown)';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

const hintFor = (issue: Issue, value: unknown): string | null => {
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    ['number', 'boolean'].includes(typeof value)
  ) {
    return 'put the value in quotes';
  }
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const near = nearestName(value, issue.values.map(String));
    return near === null ? null : `did you mean ${near}?`;
  }
  return null;
};

/** Nearest key in the same section; else the same name in another section, as `maxModelLen` belongs under `serve`. */
const hintForKey = (name: string, section: string): string => {
  const near = nearestName(name, namesInside(section));
  if (near !== null) return `did you mean ${near}?`;
  const elsewhere = stackKeys().find((key) => key.key.endsWith(`.${name}`));
  return elsewhere === undefined ? 'stepctl config schema lists every key' : `it belongs at ${elsewhere.key}`;
};

const toProblems = (issue: Issue, layer: Layer): Problem[] => {
  const { kind } = layer;
  if (issue.code === 'unrecognized_keys') {
    const section = issue.path.join('.');
    return issue.keys.map((name) => ({
      kind,
      where: describePlace(layer, [...issue.path, name]),
      key: [...issue.path, name].join('.'),
      expected: 'a known key',
      found: name,
      hint: hintForKey(name, section),
    }));
  }
  const value = valueAt(layer.values, issue.path);
  const found = issue.code === 'invalid_key' ? String(issue.path.at(-1)) : describeFound(value, issue.path);
  const where = describePlace(layer, issue.path);
  return [
    {
      kind,
      where,
      key: issue.path.join('.'),
      expected: describeExpected(issue),
      found,
      hint: hintFor(issue, value),
    },
  ];
};

/** Every problem of one layer, also of values that a later layer overrides: a wrong file is wrong even when a flag hides it. */
export function checkLayer(layer: Layer): Problem[] {
  const result = layerSchema.safeParse(layer.values);
  return result.success ? [] : result.error.issues.flatMap((issue) => toProblems(issue, layer));
}
