import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff';
import type { SeriesPlan } from './types.ts';

/** The plan as one unified diff that `patch -p1` and `git apply` take; empty when nothing changes. */
export function renderDiff(plan: SeriesPlan): string {
  return plan.files
    .map(({ path, isNew, before, after }) => {
      const from = isNew ? '/dev/null' : `a/${path}`;
      const text = createTwoFilesPatch(from, `b/${path}`, before.text, after.text, undefined, undefined, {
        context: 3,
        headerOptions: FILE_HEADERS_ONLY,
      });
      // git takes a file for new only where its own header says so.
      return isNew ? `diff --git a/${path} b/${path}\nnew file mode 100644\n${text}` : text;
    })
    .join('');
}
