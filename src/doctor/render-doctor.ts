import { exitCodes } from '../lib/index.ts';
import type { CheckStatus, DoctorReport } from './types.ts';

const marks: Readonly<Record<CheckStatus, string>> = {
  pass: 'ok  ',
  warn: 'WARN',
  fail: 'FAIL',
  skipped: '--  ',
};

/** Breaks text at spaces into lines of at most `width`; a longer word keeps its own line. */
const wrap = (text: string, width: number): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
};

const verdictLine = (report: DoctorReport): string => {
  const count = (status: CheckStatus): number =>
    report.checks.filter((check) => check.status === status).length;
  const numbers = `${count('pass')} ok, ${count('warn')} to look at, ${count('fail')} failed, ${count('skipped')} not needed`;
  if (report.verdict === 'blocked') return `Profile ${report.profile} cannot start here: ${numbers}`;
  return `Profile ${report.profile} can start here: ${numbers}`;
};

/** The report as text, without colour, no line longer than `width` where words allow. Pure. */
export function renderDoctor(report: DoctorReport, width: number): string {
  const titleWidth = Math.max(...report.checks.map((check) => check.title.length), 0);
  const indent = ' '.repeat(4 + 2 + titleWidth + 2);
  const room = Math.max(20, width - indent.length);
  const lines = report.checks.flatMap((check) => {
    const [first = '', ...rest] = wrap(check.evidence, room);
    const advice = check.advice === null ? [] : wrap(`→ ${check.advice}`, room);
    return [
      `${marks[check.status]}  ${check.title.padEnd(titleWidth)}  ${first}`,
      ...[...rest, ...advice].map((line) => `${indent}${line}`),
    ];
  });
  const suggestion =
    report.suggestion.profile === report.profile
      ? []
      : wrap(
          `Without --profile, \`stepctl up\` takes ${report.suggestion.profile} here: ${report.suggestion.why}.`,
          width,
        );
  return [verdictLine(report), '', ...lines, ...(suggestion.length > 0 ? ['', ...suggestion] : [])].join(
    '\n',
  );
}

/** Exit code of `stepctl doctor`: 2 when something blocks, else 0. */
export const doctorExitCode = (report: DoctorReport): number =>
  report.verdict === 'blocked' ? exitCodes.preflight : exitCodes.ok;
