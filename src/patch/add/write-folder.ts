import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDocument, stringify, YAMLSeq } from 'yaml';
import { StepError, writeFileAtomic } from '../../lib/index.ts';
import { type DiffPatchFile, patchFileSchema } from '../schema.ts';

export interface FolderInput {
  /** Folder of the series. */
  readonly folder: string;
  readonly definition: DiffPatchFile;
  readonly diff: string;
  readonly readme: string;
}

/**
 * Writes a patch folder and its line in series.yaml. The folder appears whole by a rename and the series names it last,
 * so a run cut off at any instant leaves a series that loads. Returns the folder. Throws STEP_PATCH_ADD.
 */
export async function writePatchFolder(input: FolderInput): Promise<string> {
  const { folder, definition } = input;
  const target = join(folder, definition.id);
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const half = await mkdtemp(join(folder, `.${definition.id}-`));
    try {
      await writeFile(join(half, 'patch.yaml'), stringify(patchFileSchema.parse(definition)));
      await writeFile(join(half, definition.diff.file), input.diff);
      await writeFile(join(half, 'README.md'), input.readme);
      // An earlier form steps aside whole; the two renames are the only instant without one.
      if (existsSync(target)) await rename(target, `${half}.old`);
      await rename(half, target);
    } finally {
      await rm(half, { recursive: true, force: true });
      await rm(`${half}.old`, { recursive: true, force: true });
    }
    await addToSeries(join(folder, 'series.yaml'), definition.id);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new StepError('STEP_PATCH_ADD', {
      verdict: `${target} could not be written`,
      reason:
        code === 'EACCES' || code === 'EROFS' ? 'the folder is not writable for this user' : String(cause),
      next: 'name another folder with --into DIR',
      cause,
    });
  }
  return target;
}

/** Adds the id at the end, comments and order kept. */
async function addToSeries(file: string, id: string): Promise<void> {
  const text = existsSync(file)
    ? await readFile(file, 'utf8')
    : '# Patches added by the user, applied after those that stepctl ships, in this order.\npatches: []\n';
  const document = parseDocument(text);
  const list = document.get('patches');
  const ids = list instanceof YAMLSeq ? (list.toJSON() as unknown[]) : [];
  if (ids.includes(id)) return;
  if (list instanceof YAMLSeq) {
    list.flow = false;
    list.add(id);
  } else document.set('patches', [id]);
  await writeFileAtomic(file, document.toString(), 0o644);
}
