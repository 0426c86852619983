import type { Stack } from './schema.ts';

export type StageName = 'build' | 'pull' | 'launch' | 'supervise' | 'proxy';

/** One stage on the way from the machine's present state to the stack. */
export interface PlanStep {
  readonly stage: StageName;
  readonly action: 'do' | 'skip' | 'reuse';
  readonly reason: string;
}

/** What is known of the machine; null where nobody has looked. */
export interface PlanFacts {
  /** A build with exactly these inputs is there: its tag or folder. */
  readonly buildPresent: string | null;
  /** Patches that change files of this release; null while unknown. */
  readonly patchesApplying: readonly string[] | null;
  /** Snapshot folder of the revision with every file verified. */
  readonly modelPresent: string | null;
  /** Bytes already fetched of a snapshot that is not complete. */
  readonly modelPartialBytes: number;
  /** An engine of this instance runs with these very inputs: its id. */
  readonly engineRunning: string | null;
}

const describePatches = (stack: Stack, facts: PlanFacts): string => {
  if (stack.patches.length === 0) return 'no patches asked for';
  if (facts.patchesApplying === null) return `patches asked for: ${stack.patches.join(', ')}`;
  const needless = stack.patches.filter((id) => !(facts.patchesApplying ?? []).includes(id));
  const parts = [
    ...(facts.patchesApplying.length > 0 ? [`applies ${facts.patchesApplying.join(', ')}`] : []),
    ...(needless.length > 0 ? [`${needless.join(', ')}: not needed in vLLM ${stack.engine.vllm}`] : []),
  ];
  return parts.join('; ');
};

const planBuild = (stack: Stack, facts: PlanFacts): PlanStep => {
  const { driver, vllm } = stack.engine;
  if (driver === 'sim')
    return { stage: 'build', action: 'skip', reason: 'the simulator stands in for vLLM, nothing to build' };
  if (driver === 'external')
    return { stage: 'build', action: 'skip', reason: 'the engine is run by somebody else' };
  if (facts.buildPresent !== null) {
    return {
      stage: 'build',
      action: 'reuse',
      reason: `${facts.buildPresent} was built from the same inputs`,
    };
  }
  const product =
    driver === 'docker'
      ? `image of ${stack.engine.image ?? `${stack.engine.package} ${vllm}`}`
      : `Python environment with ${stack.engine.package} ${vllm}`;
  const emulation = stack.emulation ? '; with the CPU emulation, a test double' : '';
  return { stage: 'build', action: 'do', reason: `${product}; ${describePatches(stack, facts)}${emulation}` };
};

const planPull = (stack: Stack, facts: PlanFacts): PlanStep => {
  const { repo, path, revision } = stack.model;
  if (stack.engine.driver === 'external')
    return { stage: 'pull', action: 'skip', reason: 'the engine is run by somebody else' };
  if (path !== null)
    return { stage: 'pull', action: 'skip', reason: `model.path: the folder ${path} is used as it is` };
  if (facts.modelPresent !== null)
    return { stage: 'pull', action: 'reuse', reason: `${repo ?? ''} is complete at ${facts.modelPresent}` };
  const resumed = facts.modelPartialBytes > 0 ? `, resuming after ${facts.modelPartialBytes} bytes` : '';
  return {
    stage: 'pull',
    action: 'do',
    reason: `${repo ?? ''} at ${revision} from hub ${stack.model.hub}${resumed}`,
  };
};

/** The ordered stages and what each will do, purely from the stack and what is known of the machine. */
export function describePlan(stack: Stack, facts: PlanFacts): PlanStep[] {
  const external = stack.engine.driver === 'external';
  const launch: PlanStep =
    facts.engineRunning !== null
      ? {
          stage: 'launch',
          action: 'reuse',
          reason: `engine ${facts.engineRunning} runs with the same inputs`,
        }
      : external
        ? {
            stage: 'launch',
            action: 'skip',
            reason: `the engine at ${stack.engine.url ?? ''} is run by somebody else`,
          }
        : {
            stage: 'launch',
            action: 'do',
            reason: `driver ${stack.engine.driver}, model name ${stack.serve.name}, TP ${stack.serve.tensorParallel}`,
          };
  return [
    planBuild(stack, facts),
    planPull(stack, facts),
    launch,
    {
      stage: 'supervise',
      action: 'do',
      reason: external
        ? 'watched only: an engine that somebody else runs is never restarted'
        : `up to ${stack.supervisor.maxFailedStarts} failed starts in a row`,
    },
    { stage: 'proxy', action: 'do', reason: `listens on ${stack.proxy.listen}, auth ${stack.proxy.auth}` },
  ];
}
