import { StepError } from '../lib/index.ts';
import type { Problem } from './layers/layer.ts';

/** `stepctl.yaml:4:3 serve.tensorParalel: expected a known key, found tensorParalel (did you mean tensorParallel?)` */
export const renderProblem = (problem: Problem): string => {
  const key = problem.key === '' || problem.where.endsWith(problem.key) ? '' : ` ${problem.key}`;
  const hint = problem.hint === null ? '' : ` (${problem.hint})`;
  return `${problem.where}${key}: expected ${problem.expected}, found ${problem.found}${hint}`;
};

/** One error for all problems. Files and profiles exit 2; where only flags, --set or variables are wrong it is usage, 64. */
export function problemsToError(problems: readonly Problem[]): StepError {
  const inFile = problems.filter((problem) => problem.kind === 'file' || problem.kind === 'profile');
  const files = [...new Set(inFile.map((problem) => problem.where.replace(/:\d+:\d+$/, '')))];
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new StepError(inFile.length > 0 ? 'STEP_STACK_INVALID' : 'STEP_STACK_SETTING_INVALID', {
    verdict: inFile.length > 0 ? `${count} in ${files.join(' and ')}` : `${count} in the settings given`,
    reason: problems.map(renderProblem).join('\n'),
    next:
      inFile.length > 0
        ? 'correct it, then try: stepctl config check'
        : 'correct the value; `stepctl config schema` lists every key and what it takes',
    details: { problems },
  });
}
