import type { ReleaseRow, ReleasesFile, Series } from '../patch/index.ts';
import type { Context } from './context.ts';
import { renderTable } from './table.ts';

/** One cell of the releases table. Pure. */
export function renderRow(row: ReleaseRow): string {
  const total = row.needed + row.present + row.lost;
  switch (row.outcome) {
    case 'applies': {
      const half = row.present > 0 ? `, ${row.present} there already` : '';
      return `needed, applies (${row.needed} of ${total} edits${half})`;
    }
    case 'already-upstream':
      return `already upstream (${row.present} of ${total} edits found)`;
    case 'not-needed':
      return 'not needed';
    case 'conflict':
      return `does not apply: ${row.problems?.[0] ?? `${row.lost} of ${total} edits lost`}`;
  }
}

/** `patch status --releases`: a row a release, a column a patch. Exit 3 when a patch has changed since it was measured. */
export async function showReleases(context: Context, series: Series): Promise<number> {
  const rooms = await import('../patch/index.ts');
  const file = await rooms.loadReleases(series.folder);
  const patches = rooms.measuredPatches(series);
  const stale = patches
    .filter((patch) => file.patches[patch.id] !== rooms.workHash(patch))
    .map(({ id }) => id);
  const code = stale.length > 0 ? 3 : 0;
  if (context.json) {
    context.out.json({ ...file, stale });
    return code;
  }
  const ids = patches.map((patch) => patch.id);
  const rows = file.releases.map((release) => [
    release.version,
    release.package,
    ...ids.map((id) => cellOf(release, id)),
  ]);
  context.out.line(
    renderTable(['vLLM', 'read from', ...ids], rows, context.out.isTty ? context.out.width : 400),
  );
  context.out.line(`\nmeasured ${file.measured} on the sources in each wheel`);
  for (const { id, definition } of patches) {
    if (definition.kind === 'edits')
      context.out.line(`  ${id}: needed by vLLM ${definition.range}. ${definition.reasons.older}.`);
  }
  const plugins = series.patches.filter((patch) => patch.definition.kind === 'plugin').map(({ id }) => id);
  if (plugins.length > 0)
    context.out.line(`  ${plugins.join(', ')}: a plugin, changes no file of any release`);
  const added = series.patches.filter((patch) => patch.origin === 'added').map(({ id }) => id);
  if (added.length > 0)
    context.out.line(
      `  ${added.join(', ')}: added, not measured; stepctl patch apply --to DIR --dry-run tells`,
    );
  for (const id of stale) context.reporter.warn(`${id} has changed since it was measured`);
  return code;
}

function cellOf(release: ReleasesFile['releases'][number], id: string): string {
  const row = release.rows[id];
  return row === undefined ? 'not measured' : renderRow(row);
}
