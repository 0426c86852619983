import { needsOf } from '../needs.ts';
import { runProgram } from '../run-program.ts';
import { type GpuCheck, type GpuContext, pass, skipped, type Verdict, warn } from '../types.ts';

/** What the driver's error numbers mean, from NVIDIA's list of Xid errors; others are shown as they are. */
const meanings: Readonly<Record<number, string>> = {
  13: 'a program made the graphics engine fault',
  31: 'a program touched memory that is not mapped',
  43: 'a program was stopped by the driver',
  45: 'a program was ended while it used the GPU',
  48: 'uncorrectable memory error',
  63: 'a memory row was remapped',
  64: 'a memory row could not be remapped',
  74: 'NVLink error',
  79: 'the GPU fell off the bus',
  94: 'contained memory error',
  95: 'uncontained memory error',
  119: "the GPU's own processor gave no answer",
  120: "the GPU's own processor failed",
  154: 'the driver asks for a reset',
};

/** These come from the program that ran, not from the card. */
const programs = new Set([13, 31, 43, 45]);

export interface XidEvent {
  readonly busId: string;
  readonly code: number;
  readonly count: number;
}

/** `NVRM: Xid (PCI:0000:01:00): 79, …` out of a kernel log, counted by card and number. Pure. */
export function findXids(log: string): XidEvent[] {
  const counts = new Map<string, XidEvent>();
  for (const match of log.matchAll(/NVRM: Xid \(PCI:([0-9a-fA-F:.]+)\): (\d+)/g)) {
    const [, busId = '', code = ''] = match;
    const key = `${busId} ${code}`;
    counts.set(key, { busId, code: Number(code), count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}

export function judgeXids(events: readonly XidEvent[]): Verdict {
  if (events.length === 0) return pass('no Xid since the machine started');
  const text = events
    .map(({ busId, code, count }) => `${count}× Xid ${code} on ${busId} (${meanings[code] ?? 'unknown'})`)
    .join('; ');
  return events.every(({ code }) => programs.has(code))
    ? pass(`${text}: of programs, not of the card`)
    : warn(
        text,
        'reseat the card and its power plugs; pcie_aspm=off where it fell off the bus; else replace it',
      );
}

/** dmesg is root's on most distributions; the journal is open to the group adm. */
async function readKernelLog({ env, signal, programMs }: GpuContext): Promise<string | null> {
  const options = { env, signal, timeoutMs: programMs };
  const own = await runProgram('dmesg', [], options);
  if (own.kind === 'done') return own.stdout;
  const journal = await runProgram(
    'journalctl',
    ['-k', '-b', '-q', '--no-pager', '-o', 'cat', '-g', 'NVRM'],
    options,
  );
  return journal.kind === 'done' ? journal.stdout : null;
}

export const xidCheck: GpuCheck = {
  id: 'xid',
  title: 'GPU errors (Xid)',
  asksGpus: true,
  run: async (context) => {
    if (!needsOf(context.stack).gpu || context.gpus.length === 0) return skipped('no GPU is used');
    const log = await readKernelLog(context);
    return log === null
      ? skipped('this user may not read the kernel log', 'sudo dmesg | grep -i xid')
      : judgeXids(findXids(log));
  },
};
