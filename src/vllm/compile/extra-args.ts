import { StepError } from '../../lib/index.ts';
import type { ResolvedRelease } from '../releases.ts';
import type { CompiledItem } from '../types.ts';
import { findWrongValue } from './check-value.ts';
import type { Outcome } from './context.ts';
import { type GivenArgument, readArguments } from './read-arguments.ts';
import { refuseReserved } from './reserved.ts';
import { explainUnknown } from './unknown-name.ts';

/** Refuses in a release that the table has; says it as a warning for any other. */
const refuse = (
  release: ResolvedRelease,
  code: 'STEP_VLLM_ARGUMENT_UNKNOWN' | 'STEP_VLLM_ARGUMENT_INVALID',
  parts: { verdict: string; reason: string; next: string; argument: string },
): string[] => {
  const { argument, ...text } = parts;
  if (release.isExact) throw new StepError(code, { ...text, details: { argument, release: release.asked } });
  return [`${text.verdict.replace(`vLLM ${release.asked}`, `vLLM ${release.version}`)}: ${text.reason}`];
};

const checkKnown = (argument: GivenArgument, release: ResolvedRelease): string[] => {
  if (argument.row !== null) return [];
  const { written, candidates } = argument;
  if (candidates.length > 0) {
    return refuse(release, 'STEP_VLLM_ARGUMENT_UNKNOWN', {
      verdict: `${written} may mean ${candidates.slice(0, 4).join(', ')}`,
      reason: 'vLLM refuses a short form that fits more than one flag',
      next: 'write the flag out',
      argument: written,
    });
  }
  const { reason, next } = explainUnknown(argument.name, release);
  return refuse(release, 'STEP_VLLM_ARGUMENT_UNKNOWN', {
    verdict: `vLLM ${release.asked} does not know ${written}`,
    reason,
    next: `${next} (serve.extraArgs)`,
    argument: written,
  });
};

const checkValue = (argument: GivenArgument, release: ResolvedRelease): string[] => {
  const wrong = findWrongValue(argument);
  if (wrong === null) return [];
  return refuse(release, 'STEP_VLLM_ARGUMENT_INVALID', {
    verdict: `vLLM ${release.asked} does not take this value of ${argument.written}`,
    reason: wrong,
    next: `correct ${argument.written} in serve.extraArgs`,
    argument: argument.written,
  });
};

const warnOfState = ({ row, name, written }: GivenArgument, { version }: ResolvedRelease): string[] => [
  ...(row?.state === undefined
    ? []
    : [`${name} is ${row.state === 'no effect' ? 'without effect' : 'deprecated'} in vLLM ${version}`]),
  ...(row !== null && name === '--config'
    ? ['the flags in the file of --config are not checked by stepctl']
    : []),
  ...(row !== null && written.startsWith('--') && !written.startsWith('--no-') && isShortened(written, name)
    ? [`${written} is taken for ${name}: a short form may mean something else in another release`]
    : []),
];

const isShortened = (written: string, name: string): boolean =>
  name.startsWith(written.replaceAll('_', '-')) && name.length > written.length;

const warnOfRepeats = (given: readonly GivenArgument[], items: readonly CompiledItem[]): string[] =>
  given.flatMap(({ name, row, path }, at) => {
    if (path !== null || row?.repeats === true) return [];
    const own = items.find((item) => item.kind === 'flag' && plainName(item.name) === name);
    const isFirst = given.findIndex((other) => other.path === null && other.name === name) === at;
    return [
      ...(own === undefined || !isFirst
        ? []
        : [`${name} is given as an extra argument and by ${own.because}: the extra argument wins`]),
      ...(isFirst ? [] : [`${name} is given twice as an extra argument: the last one wins`]),
    ];
  });

const plainName = (name: string): string => name.replace(/^--no-/, '--');

const asItem = ({ written, path, values }: GivenArgument): CompiledItem => ({
  kind: 'flag',
  name: path === null ? written.replaceAll('_', '-') : written,
  value: values.length === 0 ? null : values.join(' '),
  because: 'serve.extraArgs',
});

/**
 * Looks at the arguments that a person adds, as the release's own parser will. Throws STEP_VLLM_ARGUMENT_RESERVED for
 * those that would take the engine away from stepctl, STEP_VLLM_ARGUMENT_UNKNOWN and STEP_VLLM_ARGUMENT_INVALID for those
 * that vLLM would refuse after its imports; warns of those that repeat what is compiled (the last one wins in vLLM).
 */
export function checkExtraArgs(
  extraArgs: readonly string[],
  items: readonly CompiledItem[],
  release: ResolvedRelease,
): Outcome {
  const { given, stray } = readArguments(extraArgs, release.facts);
  refuseReserved(extraArgs, given);
  const first = stray[0];
  const warnings = [
    ...given.flatMap((one) => [
      ...checkKnown(one, release),
      ...checkValue(one, release),
      ...warnOfState(one, release),
    ]),
    ...(first === undefined
      ? []
      : refuse(release, 'STEP_VLLM_ARGUMENT_UNKNOWN', {
          verdict: `vLLM ${release.asked} has no use for the extra argument ${first}`,
          reason: 'it belongs to no flag: the one before it takes no value, or fewer',
          next: `leave out ${first} (serve.extraArgs)`,
          argument: first,
        })),
    ...warnOfRepeats(given, items),
  ];
  return { items: given.map(asItem), warnings };
}
