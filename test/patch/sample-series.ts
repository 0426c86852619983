import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const samplePath = 'vllm/layers/experts.py';
export const versionPath = 'vllm/_version.py';
export const sampleSource = 'class Fp4:\n    def supports(a):\n        return a in ["silu"]\n';
export const patchedSource = 'class Fp4:\n    def supports(a):\n        return a in ["silu", "step"]\n';
export const upstreamSource =
  'class Fp4:\n    def supports(a):\n        return a in [Kind.SILU, Kind.STEP]\n';

const samplePatch = `id: sample
title: Sample
kind: edits
upstream: { url: https://example.org/change/1, since: 0.17.0 }
range: '>=0.15.1 <0.17.0'
probe: probe.py
reasons: { needed: It lacks the change, upstream: vLLM has this change itself, older: Too old for it }
edits:
  - id: supports-step
    why: because
    op: add-to-collection
    modules: ${samplePath}
    class: Fp4
    function: supports
    holding: ['"silu"']
    add: '"step"'
    already:
      - - has: a in [..., Kind.STEP, ...]
`;

const sampleProbe = `def supports_step():
    import vllm.layers.experts as experts
    return experts.Fp4.supports("step")


def probe():
    return {"supports_step": supports_step}
`;

const samplePlugin = `id: sample-plugin
title: Sample plugin
kind: plugin
testOnly: true
platform: cpu
plugin: { name: sample-plugin, module: sample_plugin, function: register, file: sample_plugin.py }
`;

/** Writes a series of one edit and one plugin. */
export async function writeSampleSeries(
  folder: string,
  files: Readonly<Record<string, string>> = {},
): Promise<void> {
  const all = {
    'series.yaml': 'patches: [sample, sample-plugin]\n',
    'sample/patch.yaml': samplePatch,
    'sample/probe.py': sampleProbe,
    'sample-plugin/patch.yaml': samplePlugin,
    'sample-plugin/sample_plugin.py': 'def register():\n    pass\n',
    ...files,
  };
  await writeFiles(folder, all);
}

/** Writes a tree that holds a tiny `vllm/` of that release. */
export async function writeSampleTree(folder: string, version: string, source = sampleSource): Promise<void> {
  await writeFiles(folder, {
    [versionPath]: `__version__ = version = '${version}'\n`,
    [samplePath]: source,
  });
}

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
