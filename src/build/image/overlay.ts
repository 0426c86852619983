import { posix } from 'node:path';
import { pluginFiles, type SeriesPlan } from '../../patch/index.ts';
import { pluginVersion } from '../environment/make.ts';
import type { BuildProof } from '../proof.ts';
import { runtimePlugin } from '../runtime/plugin.ts';
import type { ImageFiles } from './image-files.ts';
import type { ImageLayout } from './layout.ts';
import type { TarFile, TarFolder } from './tar.ts';

/** The one layer that is laid over the base. */
export interface Overlay {
  readonly files: readonly TarFile[];
  /** New folders only. */
  readonly folders: readonly TarFolder[];
  readonly plugins: BuildProof['plugins'];
}

type Owner = Pick<TarFile, 'uid' | 'gid' | 'mtimeMs'>;

/** Bytecode that Python may have kept of a module, by optimisation level. */
const bytecodeOf = (path: string, cacheTag: string): string[] => {
  const { dir, name } = posix.parse(path);
  return ['', '.opt-1', '.opt-2'].map((level) =>
    posix.join(dir, '__pycache__', `${name}.${cacheTag}${level}.pyc`),
  );
};

/**
 * Bytecode of a changed module is put out of use by an empty file: a layer made without running anything cannot delete.
 * A time stamp is not enough, since bytecode may be of the kind that is never compared with its source (PEP 552,
 * unchecked hash). Python takes an empty one for broken and compiles the source.
 */
async function emptyBytecode(base: ImageFiles, path: string, cacheTag: string): Promise<TarFile[]> {
  const emptied: TarFile[] = [];
  for (const candidate of bytecodeOf(path, cacheTag)) {
    const file = await base.read(candidate);
    if (file !== null) emptied.push({ ...file, data: new Uint8Array(0) });
  }
  return emptied;
}

/** Changed files with the owner and mode they have in the base; time one second on, so that the result is the same every time. */
async function changedFiles(base: ImageFiles, layout: ImageLayout, plan: SeriesPlan): Promise<TarFile[]> {
  const files: TarFile[] = [];
  for (const { path, after, isNew } of plan.files) {
    const absolute = posix.join(layout.sitePackages, path);
    const data = Buffer.from(after.text, 'utf8');
    if (isNew) {
      files.push({ ...(await readOwner(base, layout)), path: absolute.slice(1), data, mode: 0o644 });
      continue;
    }
    const before = await base.read(absolute);
    if (before === null) throw new Error(`${absolute} was planned and is not in the image`);
    files.push({ ...before, data, mtimeMs: before.mtimeMs + 1000 });
    files.push(...(await emptyBytecode(base, absolute, layout.cacheTag)));
  }
  return files;
}

async function readOwner(base: ImageFiles, layout: ImageLayout): Promise<Owner> {
  const file = await base.read(posix.join(layout.sitePackages, 'vllm/__init__.py'));
  return { uid: file?.uid ?? 0, gid: file?.gid ?? 0, mtimeMs: file?.mtimeMs ?? 0 };
}

/** What the plan adds to and changes in the base. Reads the base, writes nothing. */
export async function makeOverlay(base: ImageFiles, layout: ImageLayout, plan: SeriesPlan): Promise<Overlay> {
  const files = await changedFiles(base, layout, plan);
  const folders = new Map<string, TarFolder>();
  const plugins: BuildProof['plugins'] = [];
  const owner = await readOwner(base, layout);
  const wanted = plan.patches.flatMap(({ outcome, patch }) => (outcome === 'applies' ? [patch] : []));
  for (const patch of [...wanted, runtimePlugin(plan)]) {
    if (patch.definition.kind !== 'plugin') continue;
    const { name, module } = patch.definition.plugin;
    const installed = pluginFiles(patch, pluginVersion(patch.hash));
    for (const { path, text } of installed) {
      const absolute = posix.join(layout.sitePackages, path).slice(1);
      files.push({ ...owner, path: absolute, data: Buffer.from(text, 'utf8'), mode: 0o644 });
      const folder = posix.dirname(absolute);
      if (path.includes('/')) folders.set(folder, { ...owner, path: folder, mode: 0o755 });
    }
    plugins.push({ name, module, files: installed.map(({ path, sha256 }) => ({ path, sha256 })) });
  }
  return { files, folders: [...folders.values()], plugins };
}
