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

/** What a repair did to one file. */
export interface RepairedFile {
  readonly path: string;
  /** Bytes of it that were still right, by the part hashes recorded when they came; 0 where none were recorded. */
  readonly keptBytes: number;
  readonly fetchedBytes: number;
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
  /** Files that were mended; null when no repair was asked for. */
  readonly repaired: readonly RepairedFile[] | null;
}

/** Sums rows up to a report. Pure. */
export function summarise(
  about: Pick<VerifyReport, 'subject' | 'dir' | 'commit' | 'mode' | 'elapsedMs' | 'repaired'>,
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
    repaired: about.repaired,
  };
}
