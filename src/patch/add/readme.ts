import type { DiffPatchFile } from '../schema.ts';
import type { PullRequest } from '../upstream/pull-request.ts';
import type { Sorted } from './classify.ts';

/** The README that a new patch folder starts with: facts filled in, reasons left to the person who added it. */
export function renderReadme(pull: PullRequest, definition: DiffPatchFile, sorted: Sorted): string {
  const { id, source, diff, upstream } = definition;
  const since = upstream.since === null ? 'no release has it yet' : `vLLM ${upstream.since} has it`;
  const leftOut = sorted.leftOut.map(({ path, kind }) => `- \`${path}\` (${kind})`);
  return [
    `# ${id}`,
    '',
    `${pull.title}: [${source?.repository ?? ''}#${source?.number ?? ''}](${pull.url}), ${pull.state}, ${since} (${upstream.asOf ?? ''}).`,
    '',
    '**Why.** (Say here what goes wrong without it, and for whom.)',
    '',
    `**Until when.** (Say here what makes it needless${upstream.since === null ? '' : `: a base of ${upstream.since} or newer`}.)`,
    '',
    `Taken at commit \`${source?.head ?? ''}\`, sha256 \`${diff.sha256}\`. It is somebody else's change: read \`${diff.file}\` before you run it.`,
    '',
    `Changes ${sorted.kept.map((path) => `\`${path}\``).join(', ')}.`,
    ...(leftOut.length === 0
      ? []
      : ['', 'Left out, since an installed vLLM has no use for them:', '', ...leftOut]),
    '',
  ].join('\n');
}
