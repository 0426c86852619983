import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { advisoriesDate } from '../../vllm/index.ts';
import { runProgram } from '../run-program.ts';
import { type Check, fail, pass, skipped, warn } from '../types.ts';

/** A clock that is behind refuses certificates, signed download links and keys that are valid. */
export const clockCheck: Check = {
  id: 'clock',
  title: 'Clock',
  run: async ({ stack, now, env, signal, programMs, root }) => {
    if (stack.model.hub === 'builtin' || stack.model.path !== null)
      return skipped('nothing that is dated is asked for');
    const seen = `${new Date(now).toISOString().slice(0, 16)}Z`;
    if (now < Date.parse(advisoriesDate))
      return fail(
        `${seen}, and this stepctl is from ${advisoriesDate}: the clock is behind`,
        'sudo timedatectl set-ntp true',
      );
    const asked = await runProgram('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
      env,
      signal,
      timeoutMs: programMs,
    });
    const said = asked.kind === 'done' ? asked.stdout.trim() : '';
    if (said === 'yes') return pass(`${seen}, kept by NTP`);
    const stamp = await access(join(root, 'run/systemd/timesync/synchronized')).then(
      () => true,
      () => false,
    );
    if (stamp) return pass(`${seen}, kept by systemd-timesyncd`);
    return said === 'no'
      ? warn(`${seen}, and nothing keeps it`, 'sudo timedatectl set-ntp true')
      : pass(`${seen}; who keeps it is not visible`);
  },
};
