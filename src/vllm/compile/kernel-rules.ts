import { StepError } from '../../lib/index.ts';
import { isWithin } from '../versions.ts';
import { type CompileContext, flag, type Outcome, type Rule, variable } from './context.ts';

const offFlashinfer = (because: string): Outcome => ({
  items: [variable('VLLM_USE_FLASHINFER_MOE_FP4', 0, because)],
});

/**
 * `no-flashinfer`: the variable takes the FlashInfer kernels off the list of candidates; where the release knows it no more,
 * or is about to drop it (vllm#43148), only the flag lasts.
 */
const avoidFlashinfer = ({ facts, isCpu }: CompileContext, because: string): Outcome => {
  const row = facts.variables['VLLM_USE_FLASHINFER_MOE_FP4'];
  if (row !== undefined && row.deprecated === undefined) return offFlashinfer(because);
  if (isCpu)
    return {
      dropped: [{ name: '--moe-backend', because: `${because}: a CPU build has no FlashInfer kernels` }],
    };
  const why = row === undefined ? 'does not know the variable' : 'is about to drop the variable';
  return { items: [flag('--moe-backend', 'cutlass', `${because}; the release ${why} (vllm#43148)`)] };
};

const forceBackend = ({ facts }: CompileContext, backend: 'cutlass' | 'marlin', because: string): Outcome => {
  if (facts.flags['--moe-backend'] !== undefined) return { items: [flag('--moe-backend', backend, because)] };
  if (backend === 'cutlass')
    return offFlashinfer(`${because}; next in order without FlashInfer, the release has no --moe-backend`);
  return {
    items: [variable('VLLM_TEST_FORCE_FP8_MARLIN', 1, `${because}; the release has no --moe-backend`)],
  };
};

// VLLM_CUTLASS rejects expert parallel: the start would fail after the weights are loaded.
const refuseExpertParallel = ({ stack }: CompileContext): void => {
  const { moeBackend, extraArgs } = stack.serve;
  const asked = extraArgs.some((arg) => /^--enable[-_]expert[-_]parallel(=|$)|^-ep$/.test(arg));
  if (!asked || moeBackend === 'auto' || moeBackend === 'marlin') return;
  throw new StepError('STEP_VLLM_INTENT_UNSUPPORTED', {
    verdict: `--enable-expert-parallel does not go with serve.moeBackend ${moeBackend}`,
    reason: 'the CUTLASS kernels that this intent selects reject expert parallel',
    next: 'leave out --enable-expert-parallel, or set serve.moeBackend=marlin',
  });
};

const chooseMoeBackend: Rule = (context) => {
  const intent = context.stack.serve.moeBackend;
  const because = `serve.moeBackend: ${intent}`;
  refuseExpertParallel(context);
  if (intent === 'auto') return {};
  return intent === 'no-flashinfer'
    ? avoidFlashinfer(context, because)
    : forceBackend(context, intent, because);
};

/**
 * At exactly two PCIe GPUs vLLM turns its own all-reduce on; where the IOMMU translates, peer writes are dropped
 * silently and the first collective hangs (vllm#51513). Both switches are needed.
 */
const avoidPeerToPeer: Rule = ({ stack, isCpu }) => {
  const { peerToPeer, tensorParallel } = stack.serve;
  if (peerToPeer === 'on' || tensorParallel === 1 || isCpu || stack.engine.gpus === 'none') return {};
  const because =
    peerToPeer === 'safe'
      ? 'serve.peerToPeer: safe'
      : 'serve.peerToPeer: auto, and no transfer test has passed';
  return {
    items: [flag('--disable-custom-all-reduce', null, because), variable('NCCL_P2P_DISABLE', 1, because)],
  };
};

/**
 * The CPU wheels of 0.15.1 and 0.16.0 hold no AMX kernels yet ask the CPU for AMX: the first request kills the engine
 * ("isa=0"). With blocks of 16 they take a path that every CPU has.
 */
const avoidAmx: Rule = ({ version, isCpu }) =>
  isCpu && isWithin(version, null, '0.17.0')
    ? { items: [flag('--block-size', 16, 'CPU build before 0.17.0: its AMX path is broken')] }
    : {};

// Default binding wants one NUMA node a worker and dies on a one-socket machine.
const bindThreads: Rule = ({ stack, isCpu }) => {
  const count = stack.serve.tensorParallel;
  if (!isCpu || count === 1) return {};
  const cores = Array.from({ length: count }, (_, index) => index).join('|');
  return {
    items: [
      variable(
        'VLLM_CPU_OMP_THREADS_BIND',
        cores,
        `serve.tensorParallel: ${count} on a CPU, one core a worker`,
      ),
    ],
  };
};

export const kernelRules: readonly Rule[] = [chooseMoeBackend, avoidPeerToPeer, avoidAmx, bindThreads];
