import { judgeEdit } from '../../src/patch/edits/judge.ts';
import { preparePython } from '../../src/patch/python/parser.ts';
import { patchFileSchema, type Edit } from '../../src/patch/schema.ts';
import type { SourceTree } from '../../src/patch/types.ts';

export const modulePath = 'vllm/layers/experts.py';

/** A tree held in memory. */
export function memoryTree(files: Readonly<Record<string, string>>): SourceTree {
  return { read: (path) => Promise.resolve(files[path] ?? null) };
}

/** An edit as patch.yaml would hold it, read through the schema. */
export function makeEdit(values: Readonly<Record<string, unknown>>): Edit {
  const definition = patchFileSchema.parse({
    id: 'sample',
    title: 'Sample',
    kind: 'edits',
    upstream: { url: 'https://example.org/change/1', since: '0.17.0' },
    range: '>=0.15.0 <0.17.0',
    reasons: { needed: 'It lacks the change', upstream: 'vLLM has this change itself', older: 'Too old' },
    edits: [{ id: 'sample-edit', why: 'because', modules: modulePath, ...values }],
  });
  const [edit] = definition.kind === 'edits' ? definition.edits : [];
  if (edit === undefined) throw new Error('no edit');
  return edit;
}

/** Judges the edit on one source file; `text` is what the file becomes. */
export async function judgeOn(source: string, values: Readonly<Record<string, unknown>>) {
  const parser = await preparePython();
  const result = await judgeEdit(parser, makeEdit(values), memoryTree({ [modulePath]: source }));
  return {
    state: result.plan.state,
    text: result.change?.text ?? null,
    why: result.plan.why,
    problem: result.problem,
  };
}
