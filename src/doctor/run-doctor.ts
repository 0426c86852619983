import type { Stack } from '../stack/index.ts';
import { dockerCheck } from './checks/docker.ts';
import { gpuCheck, gpuTenantsCheck } from './checks/gpu.ts';
import { cpuCheck, memoryCheck, nodeCheck, platformCheck } from './checks/platform.ts';
import { portCheck } from './checks/port.ts';
import { pythonCheck } from './checks/python.ts';
import { advisoriesCheck } from './checks/release.ts';
import { diskCheck, sharedMemoryCheck, tokenCheck, writableCheck } from './checks/storage.ts';
import { detectGpus } from './detect-gpus.ts';
import { pickProfile } from './pick-profile.ts';
import type { Check, CheckContext, CheckResult, DoctorReport, GpuFacts } from './types.ts';

/** In the order of the report: the machine, what runs the engine, room, the front door. */
const checks: readonly Check[] = [
  nodeCheck,
  platformCheck,
  gpuCheck,
  gpuTenantsCheck,
  cpuCheck,
  memoryCheck,
  dockerCheck,
  pythonCheck,
  diskCheck,
  sharedMemoryCheck,
  writableCheck,
  tokenCheck,
  portCheck,
  advisoriesCheck,
];

export interface DoctorOptions {
  readonly stack: Stack;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where they are known already; else nvidia-smi is asked. */
  readonly gpus?: readonly GpuFacts[];
  /** Leaves out checks by id, e.g. `port` while this instance itself holds it. */
  readonly skip?: readonly string[];
  readonly nodeVersion?: string;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
}

const runCheck = async (check: Check, context: CheckContext): Promise<CheckResult> => {
  const { id, title } = check;
  try {
    return { id, title, ...(await check.run(context)) };
  } catch (error) {
    // A check that breaks says nothing about the machine: it must not block a start.
    const evidence = `the check itself failed: ${error instanceof Error ? error.message : String(error)}`;
    return { id, title, status: 'warn', evidence, advice: 'please report it' };
  }
};

const judge = (results: readonly CheckResult[]): DoctorReport['verdict'] => {
  if (results.some((result) => result.status === 'fail')) return 'blocked';
  return results.some((result) => result.status === 'warn') ? 'warnings' : 'ok';
};

/**
 * Looks at the machine with the eyes of one stack: what it does not need cannot block it. Changes nothing; every probe
 * has a deadline. Rejects only with the reason of an aborted signal.
 */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const env = options.env ?? process.env;
  const signal = options.signal ?? AbortSignal.timeout(60_000);
  const gpus = options.gpus ?? (await detectGpus(env));
  const context: CheckContext = {
    stack: options.stack,
    env,
    gpus,
    nodeVersion: options.nodeVersion ?? process.version,
    signal,
  };
  const chosen = checks.filter((check) => options.skip?.includes(check.id) !== true);
  const results = await Promise.all(chosen.map((check) => runCheck(check, context)));
  options.signal?.throwIfAborted();
  return {
    schema: 'stepctl/doctor/1',
    at: new Date(options.now?.() ?? Date.now()).toISOString(),
    profile: options.stack.profile,
    verdict: judge(results),
    checks: results,
    gpus,
    suggestion: pickProfile({ gpus }),
  };
}
