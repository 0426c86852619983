import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { needsOf } from '../needs.ts';
import { type Check, pass, skipped, warn } from '../types.ts';

const MiB = 1024 * 1024;
/** Pinned buffers of NCCL and of the weight load; the kernel's own default of 64 KiB is not enough for them. */
const wanted = 64 * MiB;

/** `Max locked memory` of a /proc/PID/limits in bytes, Infinity for unlimited; null where it is not told. Pure. */
export function lockedLimit(text: string): number | null {
  const soft = /^Max locked memory\s+(\S+)/m.exec(text)?.[1];
  if (soft === 'unlimited') return Infinity;
  return soft !== undefined && /^\d+$/.test(soft) ? Number(soft) : null;
}

const show = (bytes: number): string =>
  bytes === Infinity ? 'unlimited' : `${Math.round(bytes / 1024)} KiB`;

/** The limit that the engine's processes inherit: from this process, or from the daemon. */
async function inherited(root: string, docker: boolean): Promise<{ limit: number | null; from: string }> {
  const own = { file: 'proc/self/limits', from: 'of this user' };
  const pid = docker ? (await readFile(join(root, 'run/docker.pid'), 'utf8').catch(() => '')).trim() : '';
  const source = /^\d+$/.test(pid)
    ? { file: `proc/${pid}/limits`, from: 'of the Docker daemon' }
    : docker
      ? null
      : own;
  if (source === null) return { limit: null, from: 'of the Docker daemon' };
  const text = await readFile(join(root, source.file), 'utf8').catch(() => '');
  return { limit: lockedLimit(text), from: source.from };
}

export const memlockCheck: Check = {
  id: 'memlock',
  title: 'Locked memory',
  run: async ({ stack, root }) => {
    if (!needsOf(stack).gpu) return skipped('no GPU is used');
    const { limit, from } = await inherited(root, needsOf(stack).docker);
    if (limit === null) return skipped(`the limit ${from} is not visible`);
    const seen = `limit ${from}: ${show(limit)}`;
    return limit >= wanted
      ? pass(seen)
      : warn(
          `${seen}, ${show(wanted)} wanted`,
          needsOf(stack).docker
            ? 'LimitMEMLOCK=infinity in the unit of docker.service and containerd.service'
            : 'ulimit -l unlimited, or memlock in /etc/security/limits.conf',
        );
  },
};
