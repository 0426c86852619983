import { StepError } from '../../lib/index.ts';

export type FailureKind = 'disk' | 'unreachable' | 'python' | 'version' | 'cpu-pin' | 'other';

const unreachable =
  /error sending request|client error \(Connect\)|connection (refused|reset|timed out)|dns error|name resolution|failed to (establish a new connection|resolve)|connection broken|network (is unreachable|connectivity is disabled)|\b(502|503|504)\b.*(server|gateway)/i;

/** Recognises from the words of uv and pip why they could not install `packageName==version`. */
export function recogniseFailure(output: string, packageName: string, version: string): FailureKind {
  if (/no space left on device|os error 28\b|disk quota exceeded/i.test(output)) return 'disk';
  if (/==[\w.]+\+cpu\b/.test(output) && /no version of|could not find a version/i.test(output))
    return 'cpu-pin';
  if (unreachable.test(output)) return 'unreachable';
  const name = packageName.replaceAll('-', '[-_]');
  const release = version.replaceAll('.', String.raw`\.`);
  // pip lists every release that it passed over for the Python, those of dependencies too.
  const passedOver = new RegExp(String.raw`(?:[:;] )${release} Requires-Python`);
  if (/does not satisfy Python|requires a different Python/i.test(output) || passedOver.test(output))
    return 'python';
  const absent = new RegExp(
    `no version of ${name}==|could not find a version that satisfies the requirement ${name}\\b|${name} was not found in`,
    'i',
  );
  return absent.test(output) ? 'version' : 'other';
}

/** Releases that pip lists in its refusal; uv lists none. */
export function listedReleases(output: string): readonly string[] {
  const listed = /\(from versions: ([^)]*)\)/.exec(output)?.[1] ?? '';
  return listed
    .split(',')
    .map((item) => item.trim())
    .filter((item) => /^\d/.test(item));
}

export interface FailureContext {
  readonly packageName: string;
  readonly version: string;
  readonly python: string;
  readonly output: string;
  /** Releases near the one asked for. */
  readonly nearest: readonly string[];
}

/** The error for a failed install: what, why, what to type next. */
export function installError(kind: FailureKind, context: FailureContext): StepError {
  const { packageName, version, python, nearest } = context;
  const details = { package: packageName, version, output: context.output.split('\n').slice(-40) };
  switch (kind) {
    case 'disk':
      return new StepError('STEP_DISK_FULL', {
        verdict: `the disk filled up while ${packageName} ${version} was installed`,
        reason: 'the half-made environment has been removed',
        next: 'make room (about 9 GB), then run the command again',
        details,
      });
    case 'unreachable':
      return new StepError('STEP_BUILD_INDEX', {
        verdict: 'the Python package index cannot be reached',
        reason: lastWords(context.output),
        next: 'check the network and the index that uv or pip is configured for, then run the command again',
        details,
      });
    case 'python':
      return new StepError('STEP_BUILD_PYTHON', {
        verdict: `${packageName} ${version} does not run on Python ${python}`,
        reason: lastWords(context.output),
        next: 'install a Python that the release admits, or choose another release with --set engine.vllm=VERSION',
        details,
      });
    case 'version': {
      const near =
        nearest.length > 0 ? `the nearest are ${nearest.join(' and ')}` : 'the index names none near it';
      return new StepError('STEP_BUILD_VERSION', {
        verdict: `there is no ${packageName} ${version}`,
        reason: near,
        next: `use --set engine.vllm=${nearest[0] ?? 'VERSION'}`,
        details: { ...details, nearest },
      });
    }
    case 'cpu-pin':
    case 'other':
      return new StepError('STEP_BUILD_INSTALL', {
        verdict: `installing ${packageName} ${version} failed`,
        reason: lastWords(context.output),
        next: 'run the command again; with --json the last lines of the installer are in details',
        details,
      });
  }
}

/** The installer's own reason: its first error line, else its last line. */
function lastWords(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.findLast((line) => /^(error|cause)\b/i.test(line)) ?? lines.at(-1) ?? 'it said nothing';
}
