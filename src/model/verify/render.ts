import { formatBytes } from '../download/plan.ts';
import type { VerifyReport } from './report.ts';

const verdictText = (report: VerifyReport): string => {
  if (report.verdict === 'bad') return `NOT WHOLE: ${report.bad} of ${report.files} files are wrong`;
  if (report.verdict === 'inconclusive')
    return `INCONCLUSIVE: ${report.files} files, and no hash is known for any`;
  const seconds = report.elapsedMs / 1000;
  const how =
    report.mode === 'full'
      ? `${report.proved} proved by hash in ${seconds.toFixed(1)} s, ${formatBytes(report.bytes / Math.max(seconds, 0.001))}/s`
      : 'sizes, headers and index agree (no hash was computed: --full does)';
  return `verified: ${report.files} files, ${formatBytes(report.bytes)}, ${how}`;
};

const repairText = ({ repaired }: VerifyReport): string[] =>
  (repaired ?? []).map(
    ({ path, keptBytes, fetchedBytes }) =>
      `repaired ${path}: ${formatBytes(fetchedBytes)} fetched, ${formatBytes(keptBytes)} were still right`,
  );

/** The end of a name says more than its start: `model-00007-of-00023.safetensors`. */
const fit = (name: string, width: number): string =>
  name.length <= width ? name : `…${name.slice(name.length - width + 1)}`;

/** The report as a table that fits the width, what is wrong with each file, and one verdict line. Plain text. */
export function renderVerify(report: VerifyReport, width = 100): string {
  const table = [
    ['FILE', 'SIZE', 'STATUS', 'PROOF'],
    ...report.rows.map((row) => [
      row.path,
      row.sizeBytes === null ? '-' : formatBytes(row.sizeBytes),
      row.status,
      row.proof,
    ]),
  ];
  const widest = (column: number): number => Math.max(...table.map((row) => row[column]?.length ?? 0));
  const [, size, status, proof] = [0, 1, 2, 3].map(widest);
  const others = (size ?? 0) + (status ?? 0) + (proof ?? 0) + 6;
  const name = Math.max(12, Math.min(widest(0), width - others));
  const lines = table.map(([path = '', bytes = '', state = '', how = '']) =>
    [fit(path, name).padEnd(name), bytes.padStart(size ?? 0), state.padEnd(status ?? 0), how]
      .join('  ')
      .trimEnd(),
  );
  const wrong = report.rows.flatMap((row) =>
    row.detail === null ? [] : [`${row.path}`, `  ${row.status}: ${row.detail}`],
  );
  const where = report.commit === null ? report.dir : `${report.subject} at ${report.commit}`;
  const parts = [lines, wrong, repairText(report)].filter((part) => part.length > 0);
  return [...parts.flatMap((part) => [...part, '']), where, verdictText(report)].join('\n');
}
