import { parseTopology } from '../gpu/topology.ts';
import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import { type GpuCheck, type GpuContext, pass, skipped, type Verdict, warn } from '../types.ts';
import { usedGpus, usedLinks } from './pcie.ts';

/** What the driver claims of the pairs in use: words such as `0-1 OK`. It is a claim, not a proof (vllm#51513). */
async function claims(context: GpuContext): Promise<string> {
  const { env, signal, programMs } = context;
  const result = await runProgram('nvidia-smi', ['topo', '-p2p', 'r'], { env, signal, timeoutMs: programMs });
  const links = result.kind === 'done' ? usedLinks(parseTopology(result.stdout), usedGpus(context)) : [];
  if (links.length === 0) return 'the driver does not tell';
  return `the driver says ${links.map(({ from, to, text }) => `${from}-${to} ${text}`).join(', ')}`;
}

async function judge(context: GpuContext): Promise<Verdict> {
  const seen = `${await claims(context)}, which proves nothing`;
  const intent = context.stack.serve.peerToPeer;
  if (intent === 'on')
    return warn(
      `${seen}; on by serve.peerToPeer`,
      'serve.peerToPeer=safe where the start hangs at its first collective',
    );
  return pass(`${seen}; off by serve.peerToPeer: ${intent}`);
}

/** Whether GPUs write to each other in this stack, and what the driver claims of it. */
export const peerToPeerCheck: GpuCheck = {
  id: 'peer-to-peer',
  title: 'Peer-to-peer',
  asksGpus: true,
  run: async (context) => {
    const { stack, gpus } = context;
    if (!needsOf(stack).gpu || gpus.length === 0) return skipped('no GPU is used');
    if (stack.serve.tensorParallel === 1) return skipped('one GPU has no peer');
    return judge(context);
  },
};
