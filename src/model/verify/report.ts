import { formatBytes } from '../download/plan.ts';

export type RowStatus =
  | 'ok'
  | 'missing'
  | 'wrong-size'
  | 'wrong-hash'
  | 'truncated'
  | 'header'
  | 'too-long'
  | 'index'
  | 'unreadable';

/** What was looked at in one file; the strongest proof is named. */
export interface VerifyRow {
  readonly path: string;
  /** null when the file is not there. */
  readonly sizeBytes: number | null;
  readonly status: RowStatus;
  readonly proof: 'sha256' | 'git-sha1' | 'header' | 'size' | 'none';
  readonly detail: string | null;
}

export interface VerifyReport {
  readonly schema: 'stepctl/verify/1';
  /** Repository or folder. */
  readonly subject: string;
  readonly dir: string;
  readonly commit: string | null;
  readonly mode: 'quick' | 'full';
  /** inconclusive: nothing is wrong, and a full verification had no hash to compare with. */
  readonly verdict: 'ok' | 'bad' | 'inconclusive';
  readonly files: number;
  readonly bad: number;
  /** Files whose content was proved by hash. */
  readonly proved: number;
  readonly bytes: number;
  readonly elapsedMs: number;
  readonly rows: readonly VerifyRow[];
}

/** Sums rows up to a report. Pure. */
export function summarise(
  about: Pick<VerifyReport, 'subject' | 'dir' | 'commit' | 'mode' | 'elapsedMs'>,
  rows: readonly VerifyRow[],
): VerifyReport {
  const bad = rows.filter((row) => row.status !== 'ok').length;
  const proved = rows.filter(
    (row) => row.status === 'ok' && (row.proof === 'sha256' || row.proof === 'git-sha1'),
  ).length;
  const isEmpty = rows.length === 0 || (about.mode === 'full' && proved === 0);
  return {
    schema: 'stepctl/verify/1',
    subject: about.subject,
    dir: about.dir,
    commit: about.commit,
    mode: about.mode,
    verdict: bad > 0 ? 'bad' : isEmpty ? 'inconclusive' : 'ok',
    files: rows.length,
    bad,
    proved,
    bytes: rows.reduce((sum, row) => sum + (row.sizeBytes ?? 0), 0),
    elapsedMs: about.elapsedMs,
    rows,
  };
}

const verdictText = (report: VerifyReport): string => {
  if (report.verdict === 'bad') return `NOT WHOLE: ${report.bad} of ${report.files} files are wrong`;
  if (report.verdict === 'inconclusive')
    return `INCONCLUSIVE: ${report.files} files, and no hash is known for any`;
  const how =
    report.mode === 'full'
      ? `${report.proved} proved by hash`
      : 'sizes, headers and index agree (no hash was computed: --full does)';
  return `verified: ${report.files} files, ${formatBytes(report.bytes)}, ${how}`;
};

/** The report as a table and one verdict line. Plain text. */
export function renderVerify(report: VerifyReport): string {
  const cells = report.rows.map((row) => [
    row.path,
    row.sizeBytes === null ? '-' : formatBytes(row.sizeBytes),
    row.status,
    row.proof,
    row.detail ?? '',
  ]);
  const table = [['FILE', 'SIZE', 'STATUS', 'PROOF', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)));
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        column === 1 ? cell.padStart(widths[1] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const where = report.commit === null ? report.dir : `${report.subject} at ${report.commit}`;
  return [...lines, '', `${where}`, verdictText(report)].join('\n');
}
