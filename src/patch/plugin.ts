import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StepError, writeFileAtomic } from '../lib/index.ts';
import { removeBytecode } from './apply.ts';
import { sha256 } from './hash.ts';
import type { Patch } from './types.ts';

export interface PluginFile {
  /** Relative to site-packages. */
  readonly path: string;
  readonly text: string;
  readonly sha256: string;
}

/** Folder names of installed distributions write `-` as `_` (PEP 503, PEP 627). */
const distributionName = (name: string): string => name.replaceAll('-', '_');

/**
 * Everything a plugin consists of once installed: its module and the metadata by which Python's entry points lead vLLM
 * to it (group `vllm.general_plugins`). `version` is the distribution's own, for instance stepctl's.
 */
export function pluginFiles(patch: Patch, version: string): readonly PluginFile[] {
  const { definition, pluginText } = patch;
  if (definition.kind !== 'plugin' || pluginText === null) {
    throw new StepError('STEP_INTERNAL', { verdict: `patch ${patch.id} is no plugin` });
  }
  const { name, module, function: entry } = definition.plugin;
  const info = `${distributionName(name)}-${version}.dist-info`;
  const texts: [path: string, text: string][] = [
    [`${module}.py`, pluginText],
    [
      `${info}/METADATA`,
      `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\nSummary: ${definition.title}\n`,
    ],
    [`${info}/entry_points.txt`, `[vllm.general_plugins]\n${module} = ${module}:${entry}\n`],
    [`${info}/INSTALLER`, 'stepctl\n'],
  ];
  texts.push([
    `${info}/RECORD`,
    [...texts.map(([path]) => path), `${info}/RECORD`].map((path) => `${path},,\n`).join(''),
  ]);
  return texts.map(([path, text]) => ({ path, text, sha256: sha256(text) }));
}

/** Puts the plugin into a site-packages folder in place of any earlier version of it. */
export async function installPlugin(
  sitePackages: string,
  patch: Patch,
  version: string,
): Promise<readonly PluginFile[]> {
  const files = pluginFiles(patch, version);
  await uninstallPlugin(sitePackages, patch);
  for (const file of files) {
    const target = join(sitePackages, file.path);
    await mkdir(join(target, '..'), { recursive: true });
    await writeFileAtomic(target, file.text, 0o644);
  }
  return files;
}

/** Removes module, bytecode and metadata of every version of the plugin; nothing to remove is no error. */
export async function uninstallPlugin(sitePackages: string, patch: Patch): Promise<void> {
  const { definition } = patch;
  if (definition.kind !== 'plugin') return;
  const { name, module } = definition.plugin;
  const prefix = `${distributionName(name)}-`;
  for (const entry of await readdir(sitePackages)) {
    if (entry.startsWith(prefix) && entry.endsWith('.dist-info')) {
      await rm(join(sitePackages, entry), { recursive: true, force: true });
    }
  }
  const file = join(sitePackages, `${module}.py`);
  await rm(file, { force: true });
  await removeBytecode(file);
}
