import { readFile } from 'node:fs/promises';
import { arch, availableParallelism, freemem, platform, release, totalmem } from 'node:os';
import { needsOf } from '../needs.ts';
import { type Check, fail, pass, skipped, type Verdict, warn } from '../types.ts';

const GiB = 1024 ** 3;
const toGiB = (bytes: number): string => (bytes / GiB).toFixed(1);

/** Lowest Node that package.json allows. */
const lowestNode = [22, 19] as const;

/** Days on which the lines of Node.js stop getting fixes (their release schedule). */
const nodeEnds: Readonly<Record<number, string>> = {
  20: '2026-04-30',
  22: '2027-04-30',
  24: '2028-04-30',
  25: '2026-06-01',
  26: '2029-04-30',
};

/** Old enough to break is refused; past its end of life is told. Pure. */
export function judgeNode(nodeVersion: string, now: number): Verdict {
  const [major = 0, minor = 0] = nodeVersion.replace(/^v/, '').split('.').map(Number);
  const old = major < lowestNode[0] || (major === lowestNode[0] && minor < lowestNode[1]);
  if (old)
    return fail(`${nodeVersion}, and stepctl needs ${lowestNode.join('.')} or newer`, 'install Node 24');
  const end = nodeEnds[major];
  if (end !== undefined && now > Date.parse(end))
    return warn(`${nodeVersion}: this line gets no more fixes since ${end}`, 'install Node 24');
  return pass(end === undefined ? nodeVersion : `${nodeVersion}, gets fixes until ${end}`);
}

export const nodeCheck: Check = {
  id: 'node',
  title: 'Node.js',
  run: async ({ nodeVersion, now }) => judgeNode(nodeVersion, now),
};

/** The engine's side: Linux on x86-64 or arm64. The simulator runs anywhere. */
export const platformCheck: Check = {
  id: 'platform',
  title: 'Platform',
  run: async ({ stack }) => {
    const seen = `${platform()} ${release()} ${arch()}, ${availableParallelism()} cores`;
    const { driver } = stack.engine;
    if (platform() === 'linux' || driver === 'sim' || driver === 'external') return pass(seen);
    return fail(`${seen}: vLLM runs on Linux`, 'use a Linux machine, or --profile demo');
  },
};

const cpuFlags = async (): Promise<ReadonlySet<string> | null> => {
  try {
    const text = await readFile('/proc/cpuinfo', 'utf8');
    return new Set((/^flags\s*:\s*(.*)$/m.exec(text)?.[1] ?? '').split(' '));
  } catch {
    return null;
  }
};

/** Decides on the CPU flags; apart from reading them so that every kind of CPU can be tested. */
export function judgeCpu(flags: ReadonlySet<string>): Verdict {
  const has = ['avx2', 'avx512f', 'avx512_bf16', 'amx_tile'].filter((flag) => flags.has(flag));
  if (!flags.has('avx2'))
    return fail('no AVX2', 'CPU builds of vLLM need AVX2: use another machine, or --profile demo');
  const seen = has.join(', ');
  return flags.has('avx512f')
    ? pass(seen)
    : warn(`${seen}; no AVX-512`, 'expect it to be slow; releases before 0.17.0 may refuse this CPU');
}

export const cpuCheck: Check = {
  id: 'cpu',
  title: 'CPU',
  run: async ({ stack }) => {
    if (!needsOf(stack).cpuEngine) return skipped('this stack does not run vLLM on the CPU');
    if (arch() !== 'x64') return warn(`${arch()}: only x86-64 was tried`, 'expect surprises');
    const flags = await cpuFlags();
    return flags === null ? warn('/proc/cpuinfo cannot be read', 'check for AVX2 by hand') : judgeCpu(flags);
  },
};

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** MemAvailable, bounded by the cgroup where there is a limit. */
const availableMemory = async (): Promise<number> => {
  const [meminfo, limit, used] = await Promise.all([
    read('/proc/meminfo'),
    read('/sys/fs/cgroup/memory.max'),
    read('/sys/fs/cgroup/memory.current'),
  ]);
  const kib = Number(/^MemAvailable:\s+(\d+)/m.exec(meminfo)?.[1] ?? Number.NaN);
  const machine = Number.isNaN(kib) ? freemem() : kib * 1024;
  const cgroup = Number.parseInt(limit, 10) - Number.parseInt(used, 10);
  return Number.isNaN(cgroup) ? machine : Math.min(machine, cgroup);
};

export const memoryCheck: Check = {
  id: 'memory',
  title: 'Memory',
  run: async ({ stack }) => {
    const available = await availableMemory();
    const { memoryBytes } = needsOf(stack);
    const seen = `${toGiB(available)} GiB available of ${toGiB(totalmem())}`;
    if (available >= memoryBytes) return pass(seen);
    const advice = 'end other programs, or take a smaller profile';
    const text = `${seen}, and this stack takes about ${toGiB(memoryBytes)} GiB`;
    return available < memoryBytes * 0.6 ? fail(text, advice) : warn(text, advice);
  },
};
