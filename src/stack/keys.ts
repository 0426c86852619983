import { z } from 'zod';
import { stackSchema } from './schema.ts';

/** One settable value of the stack. */
export interface StackKey {
  /** `serve.maxModelLen` */
  readonly key: string;
  /** `STEPCTL_SERVE_MAX_MODEL_LEN` */
  readonly variable: string;
  readonly schema: z.ZodType;
  readonly description: string;
}

const toVariable = (key: string): string =>
  `STEPCTL_${key
    .replaceAll('.', '_')
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;

const collectKeys = (shape: Readonly<Record<string, unknown>>, prefix: string): StackKey[] =>
  Object.entries(shape).flatMap(([name, schema]) => {
    const key = `${prefix}${name}`;
    if (schema instanceof z.ZodObject) return collectKeys(schema.shape, `${key}.`);
    if (!(schema instanceof z.ZodType)) return [];
    return [{ key, variable: toVariable(key), schema, description: schema.description ?? '' }];
  });

/** Every settable value, in the order of the schema, with the environment variable that sets it. */
export const stackKeys = (): readonly StackKey[] => collectKeys(stackSchema.shape, '');

/** Names allowed inside a section; `''` is the top level. Empty for a leaf or an unknown path. */
export function namesInside(path: string): readonly string[] {
  if (path === '') return Object.keys(stackSchema.shape);
  const section = Object.entries(stackSchema.shape).find(([name]) => name === path)?.[1];
  return section instanceof z.ZodObject ? Object.keys(section.shape) : [];
}

/** True where a value of this key is text, so that what was typed is taken as it is (`0.16` stays `0.16`). */
export function isTextKey(schema: z.ZodType): boolean {
  if (schema instanceof z.ZodNullable) return isTextKey(schema.unwrap() as z.ZodType);
  return schema instanceof z.ZodString || schema instanceof z.ZodEnum || schema instanceof z.ZodURL;
}
