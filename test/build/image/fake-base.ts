import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DockerClient } from '../../../src/engine/index.ts';
import { silentReporter } from '../../../src/lib/index.ts';
import { ensureCpuRoot } from '../../../src/build/image/cpu-root.ts';
import { runBuild } from '../../../src/build/image/run-build.ts';
import { packTar, type TarFile } from '../../../src/build/image/tar.ts';

export const sitePackages = '/usr/local/lib/python3.11/dist-packages';

/** What stands in for vLLM: small enough to build in a second, with the files that a patch and the probe look at. */
const sources: Readonly<Record<string, string>> = {
  'vllm/__init__.py': "__version__ = '0.16.0'\n",
  'vllm/_version.py': "__version__ = version = '0.16.0'\n",
  'vllm/platforms/__init__.py': "class Cpu:\n    device_type = 'cpu'\n\n\ncurrent_platform = Cpu()\n",
  'vllm/layers/__init__.py': '',
  'vllm/layers/experts.py':
    'class Experts:\n    @staticmethod\n    def _supports_activation(activation):\n        return activation in ["silu", "swigluoai"]\n',
  'vllm-0.16.0+cpu.dist-info/METADATA': 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.16.0+cpu\n',
};

export const experts = 'vllm/layers/experts.py';
/** The patched file of the base belongs to somebody and has a mode of its own. */
export const expertsOwner = { uid: 1000, gid: 1000, mode: 0o664 } as const;

const mtimeMs = Date.UTC(2026, 0, 1);

export function baseFiles(): TarFile[] {
  return Object.entries(sources).map(([path, text]) => ({
    path: `${sitePackages.slice(1)}/${path}`,
    data: Buffer.from(text),
    ...(path === experts ? expertsOwner : { uid: 0, gid: 0, mode: 0o644 }),
    mtimeMs,
  }));
}

const plain = (path: string, data: Uint8Array): TarFile => ({
  path,
  data,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs,
});

/** Builds an image from Dockerfile lines over files laid down with their owners. */
export async function buildFrom(
  docker: DockerClient,
  from: string,
  files: readonly TarFile[],
  lines: readonly string[] = [],
): Promise<string> {
  const dockerfile = [`FROM ${from}`, 'ADD layer.tar /', ...lines, ''].join('\n');
  const context = await packTar([
    plain('Dockerfile', Buffer.from(dockerfile)),
    plain('layer.tar', await packTar(files)),
  ]);
  return runBuild(docker, { what: 'a test image', context, options: {} });
}

/**
 * A base image whose user is not root and whose bytecode is of the kind that Python never compares with its source
 * (PEP 552, unchecked hash): the worst that an overlay can meet.
 */
export async function buildFakeBase(docker: DockerClient, ...extra: string[]): Promise<string> {
  const root = await ensureCpuRoot({
    docker,
    root: null,
    pullPolicy: 'missing',
    reporter: silentReporter,
    signal: AbortSignal.timeout(600_000),
  });
  return buildFrom(docker, root, baseFiles(), [
    `RUN python3 -m compileall -q --invalidation-mode unchecked-hash ${sitePackages}/vllm && useradd --uid 1000 vllm`,
    'USER vllm',
    ...extra,
  ]);
}

const patchYaml = `
id: wider
title: Experts take swiglustep
kind: edits
upstream: { url: 'https://example.org/pull/1', since: 0.17.0 }
range: '>=0.15.1 <0.17.0'
probe: probe.py
reasons: { needed: "it's \\"needed\\" for $5, \\\\ and so on", upstream: has it, older: too old }
edits:
  - id: activation
    why: the list gains one
    op: add-to-collection
    modules: [${experts}]
    class: Experts
    function: _supports_activation
    holding: ['"silu"']
    add: '"swiglustep"'
`;

const pluginYaml = `
id: emulation
kind: plugin
title: A test plugin
testOnly: true
platform: cpu
range: '*'
plugin: { name: test-emulation, module: test_emulation, function: register, file: plugin.py }
`;

const yes =
  'def probe():\n    from vllm.layers.experts import Experts\n    return {"accepts": lambda: Experts._supports_activation("swiglustep")}\n';
const no = 'def probe():\n    return {"accepts": lambda: False}\n';

/** A series of two: one that edits a file, one test-only plugin. */
export async function writeSeries(answer: 'yes' | 'no' = 'yes'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-series-'));
  const files: Record<string, string> = {
    'series.yaml': 'patches: [wider, emulation]\n',
    'wider/patch.yaml': patchYaml,
    'wider/probe.py': answer === 'yes' ? yes : no,
    'emulation/patch.yaml': pluginYaml,
    'emulation/plugin.py': 'def register():\n    pass\n',
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}
