import type { Stack } from '../stack/index.ts';
import { checks } from './checks/index.ts';
import { searchGpus, type SearchOptions } from './gpu/search.ts';
import type { GpuFacts, GpuSearch } from './gpu/types.ts';
import { pickProfile } from './pick-profile.ts';
import type {
  Check,
  CheckContext,
  CheckResult,
  DoctorReport,
  GpuCheck,
  GpuContext,
  Verdict,
} from './types.ts';
import { warn } from './types.ts';

export interface DoctorOptions {
  readonly stack: Stack;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where they are known already; else nvidia-smi is asked. */
  readonly gpus?: readonly GpuFacts[];
  /** A search that runs already. */
  readonly search?: Promise<GpuSearch>;
  /** Leaves out checks by id, e.g. `port` while this instance itself holds it. */
  readonly skip?: readonly string[];
  readonly nodeVersion?: string;
  readonly signal?: AbortSignal;
  readonly now?: () => number;
  /** After this every check has said something; default 2.8 s. A driver without persistence mode may need more. */
  readonly budgetMs?: number;
  /** Folder that holds proc and sys; default `/`. */
  readonly root?: string;
}

const defaultBudgetMs = 2800;
/** Left for judging once the last program was given up. */
const judgingMs = 200;

const late = (budgetMs: number): Verdict =>
  warn(`no answer within ${budgetMs / 1000} s`, 'stepctl doctor --wait 30 gives it more time');

/** The verdict, or the late one at the deadline: a check that hangs must not hide what the others found. */
async function withDeadline(running: Promise<Verdict>, endsAt: number, budgetMs: number): Promise<Verdict> {
  const timer = Promise.withResolvers<Verdict>();
  const handle = setTimeout(() => timer.resolve(late(budgetMs)), Math.max(0, endsAt - performance.now()));
  try {
    return await Promise.race([running, timer.promise]);
  } finally {
    clearTimeout(handle);
  }
}

async function nameResult(check: Check | GpuCheck, running: Promise<Verdict>): Promise<CheckResult> {
  const { id, title } = check;
  try {
    return { id, title, ...(await running) };
  } catch (error) {
    // A check that breaks says nothing about the machine: it must not block a start.
    const evidence = `the check itself failed: ${error instanceof Error ? error.message : String(error)}`;
    return { id, title, status: 'warn', evidence, advice: 'please report it' };
  }
}

const judge = (results: readonly CheckResult[]): DoctorReport['verdict'] => {
  if (results.some((result) => result.status === 'fail')) return 'blocked';
  return results.some((result) => result.status === 'warn') ? 'warnings' : 'ok';
};

const gpusOf = (search: GpuSearch): readonly GpuFacts[] => (search.kind === 'found' ? search.gpus : []);

function startSearch(options: DoctorOptions, how: SearchOptions): Promise<GpuSearch> {
  if (options.search !== undefined) return options.search;
  if (options.gpus !== undefined) return Promise.resolve({ kind: 'found', gpus: options.gpus });
  return searchGpus(how);
}

/**
 * Looks at the machine with the eyes of one stack: what it does not need cannot block it. Changes nothing; checks run
 * side by side, and all have spoken by `budgetMs`. Rejects only with the reason of an aborted signal.
 */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { stack, env = process.env, budgetMs = defaultBudgetMs } = options;
  const signal = options.signal ?? new AbortController().signal;
  const endsAt = performance.now() + budgetMs;
  const timeLeft = (): number => Math.max(100, Math.round(endsAt - judgingMs - performance.now()));
  const now = options.now?.() ?? Date.now();
  const context: CheckContext = {
    stack,
    env,
    nodeVersion: options.nodeVersion ?? process.version,
    now,
    programMs: timeLeft(),
    root: options.root ?? '/',
    signal,
  };
  const searching = startSearch(options, { env, signal, timeoutMs: context.programMs });
  const gpuContext = searching.then((search): GpuContext => ({
    ...context,
    search,
    gpus: gpusOf(search),
    programMs: timeLeft(),
  }));
  const start = (check: Check | GpuCheck): Promise<Verdict> =>
    'asksGpus' in check ? gpuContext.then((full) => check.run(full)) : check.run(context);
  const chosen = checks.filter((check) => options.skip?.includes(check.id) !== true);
  const results = await Promise.all(
    chosen.map((check) => nameResult(check, withDeadline(start(check), endsAt, budgetMs))),
  );
  options.signal?.throwIfAborted();
  const gpus = gpusOf(await searching);
  return {
    schema: 'stepctl/doctor/1',
    at: new Date(now).toISOString(),
    profile: stack.profile,
    verdict: judge(results),
    checks: results,
    gpus,
    suggestion: pickProfile({ gpus }),
  };
}
