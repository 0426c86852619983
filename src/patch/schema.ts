import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9][a-z0-9-]*$/, 'small letters, digits and dashes');
const modulePath = z
  .string()
  .regex(
    /^vllm\/(?!.*(?:^|\/)\.\.?(?:\/|$))[\w./-]+\.py$/,
    'a path such as vllm/model_executor/models/NAME.py',
  );
const oneOrMore = <T extends z.ZodType>(item: T) =>
  z.union([item.transform((value) => [value]), z.array(item).min(1)]);

/** A condition on the tree. `has` and `lacks` are Python patterns (see python/pattern.ts), looked for in the edit's scope or in module `in`. */
const condition = z
  .strictObject({
    has: z.string().optional(),
    lacks: z.string().optional(),
    in: modulePath.optional(),
  })
  .refine((value) => (value.has === undefined) !== (value.lacks === undefined), 'either has or lacks');

/** What every edit says: where it looks and how it knows that the tree has the change by itself. */
const common = {
  id,
  why: z.string().min(1),
  /** Candidate files, oldest layout first: vLLM moves modules between releases. */
  modules: oneOrMore(modulePath),
  /** Candidate classes; absent for module level. */
  class: oneOrMore(z.string()).optional(),
  function: z.string().optional(),
  /** Alternatives, each a list of conditions that must all hold. */
  already: z.array(z.array(condition).min(1)).default([]),
};

const addToCollection = z.strictObject({
  ...common,
  op: z.literal('add-to-collection'),
  /** Elements that tell the collection from others in the scope. */
  holding: z.array(z.string()).min(1),
  add: z.string(),
  /** Expression that the collection must be an operand of: added to `not in`, an element would say the opposite. */
  within: z.string().optional(),
  /** Element to stand behind; the last one when absent or not there. */
  after: z.string().optional(),
});

const moveStatement = z.strictObject({
  ...common,
  op: z.literal('move-statement'),
  statement: z.string(),
  /** Pattern of the compound statement whose body it becomes the first line of. */
  into: z.string(),
});

const addKeywordArgument = z.strictObject({
  ...common,
  op: z.literal('add-keyword-argument'),
  call: z.string(),
  name: z.string().regex(/^[A-Za-z_]\w*$/),
  value: z.string(),
  before: z.string().optional(),
});

const insertStatements = z.strictObject({
  ...common,
  op: z.literal('insert-statements'),
  position: z.enum(['before', 'after']),
  anchor: z.string(),
  code: z.string().min(1),
  /** Sets an empty line between the code and what follows it. */
  blankLine: z.boolean().default(false),
});

const edit = z.discriminatedUnion('op', [
  addToCollection,
  moveStatement,
  addKeywordArgument,
  insertStatements,
]);

const patchBase = {
  id,
  title: z.string().min(1),
  range: z.string().min(1).default('*'),
  /** Name of the Python file with `probe()`, run inside what was built. */
  probe: z.string().optional(),
  /** Only applied where it is asked for by name. */
  optional: z.boolean().default(false),
};

/** Where the change stands in vLLM's own history; the answer that needs no network. */
const upstream = z.strictObject({
  /** Pull request or issue. */
  url: z.url(),
  state: z.enum(['merged', 'open', 'closed']).default('merged'),
  /** First release that has it; null while none has. */
  since: z.string().nullable(),
  /** What took its place: another pull request, or the release that solved it in another way. */
  supersededBy: z.string().min(1).optional(),
  /** Day on which this was looked up. */
  asOf: z.iso.date().optional(),
});

const editsPatch = z.strictObject({
  ...patchBase,
  kind: z.literal('edits'),
  upstream,
  reasons: z.strictObject({ needed: z.string(), upstream: z.string(), older: z.string() }),
  edits: z.array(edit).min(1),
});

const pluginPatch = z.strictObject({
  ...patchBase,
  kind: z.literal('plugin'),
  testOnly: z.boolean().default(false),
  /** The only platform on which it is installed. */
  platform: z.enum(['cpu', 'cuda']),
  plugin: z.strictObject({
    name: id,
    module: z.string().regex(/^[A-Za-z_]\w*$/),
    function: z.string().regex(/^[A-Za-z_]\w*$/),
    file: z.string(),
  }),
  upstream: upstream.optional(),
  reasons: z.record(z.string(), z.string()).optional(),
});

const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'a sha256 in hex');

const diffPatch = z.strictObject({
  ...patchBase,
  kind: z.literal('diff'),
  upstream,
  /** The diff itself, pinned: a file that was changed since is refused. */
  diff: z.strictObject({ file: z.string(), sha256: sha256Hex }),
  /** The very commit it was taken at. */
  source: z
    .strictObject({
      repository: z.string(),
      number: z.number().int().positive(),
      head: z.string().regex(/^[0-9a-f]{40}$/),
    })
    .optional(),
  /** Files of the pull request that are not in the diff, such as tests. */
  leftOut: z.array(z.string()).default([]),
});

/** patch.yaml. */
export const patchFileSchema = z.discriminatedUnion('kind', [editsPatch, pluginPatch, diffPatch]);
/** series.yaml. */
export const seriesFileSchema = z.strictObject({ patches: z.array(id) });

export type Condition = z.infer<typeof condition>;
export type Edit = z.infer<typeof edit>;
export type EditOf<Op extends Edit['op']> = Extract<Edit, { op: Op }>;
export type PatchFile = z.infer<typeof patchFileSchema>;
export type EditsPatchFile = Extract<PatchFile, { kind: 'edits' }>;
export type DiffPatchFile = Extract<PatchFile, { kind: 'diff' }>;
export type Upstream = z.infer<typeof upstream>;
export type PluginPatchFile = Extract<PatchFile, { kind: 'plugin' }>;
