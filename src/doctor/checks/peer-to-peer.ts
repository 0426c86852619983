import { readTransferFinding } from '../deep/finding.ts';
import { transferKey, whyOther } from '../deep/key.ts';
import { parseTopology } from '../gpu/topology.ts';
import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import { fail, type GpuCheck, type GpuContext, pass, skipped, type Verdict, warn } from '../types.ts';
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
  const { stack, env } = context;
  const [said, finding, key] = await Promise.all([
    claims(context),
    readTransferFinding(env),
    transferKey(context),
  ]);
  const other = finding === null ? 'no transfer was tested' : whyOther(finding.key, key);
  const tested =
    finding === null || other !== null
      ? `${other ?? ''}`
      : `tested ${finding.at.slice(0, 10)}: ${finding.reason}`;
  const text = `${said}, which proves nothing; ${tested}`;
  const proved = finding !== null && other === null ? finding.peerToPeer : null;
  const next = 'stepctl doctor --deep sends data between them and looks at it';
  switch (stack.serve.peerToPeer) {
    case 'safe':
      return proved === 'on'
        ? pass(`${text}; off by serve.peerToPeer: safe, auto would use it`)
        : pass(`${text}; off by serve.peerToPeer: safe`);
    case 'auto':
      return proved === null
        ? warn(`${text}; off until a test has passed`, next)
        : pass(`${text}; ${proved} for the launch`);
    case 'on':
      if (proved === 'safe') return fail(text, 'serve.peerToPeer=safe, or =auto');
      return proved === 'on' ? pass(text) : warn(`${text}; on by serve.peerToPeer`, next);
  }
}

/** Whether GPUs write to each other in this stack, and what is known of whether that works. */
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
