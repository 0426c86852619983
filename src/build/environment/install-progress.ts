import type { Reporter } from '../../lib/index.ts';

/** Turns the lines of uv and pip into progress: packages fetched of packages resolved, with the latest line as a note. */
export function watchInstall(reporter: Reporter): (line: string) => void {
  let total: number | null = null;
  let done = 0;
  return (line) => {
    const resolved = /^Resolved (\d+) packages?/.exec(line)?.[1];
    if (resolved !== undefined) total = Number(resolved);
    const prepared = /^(?:Prepared|Installed) (\d+) packages?/.exec(line)?.[1];
    if (prepared !== undefined) done = Number(prepared);
    else if (/^(Downloaded|Built|Collecting|Using cached) /.test(line)) done += 1;
    if (total !== null) done = Math.min(done, total);
    reporter.progress({ stage: 'build', done, total, unit: 'items', rate: null, etaMs: null, note: line });
  };
}
