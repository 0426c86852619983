import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { planModelPull, pullModel } from '../../src/model/index.ts';
import { startFakeHub } from '../fixtures/fake-hub/fake-hub.ts';
import { makeScratch } from './scratch-dir.ts';
import { countProvedFiles, listen, makeModel, pullOptions, writeFiles } from './scratch.ts';

const MiB = 1 << 20;

/** Runs a command; the reason why it cannot be when it cannot. */
function attempt(command: string, ...args: string[]): string | null {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) return `${command}: ${error.message}`;
  return status === 0 ? null : `${command}: ${stderr.trim().split('\n')[0] ?? ''}`;
}

interface Disk {
  readonly dir: string;
  /** Takes the room away but for a few MiB. */
  fill(): void;
  relieve(): void;
}

function mountTmpfs(dir: string): Disk | string {
  mkdirSync(dir);
  const refused = attempt('mount', '-t', 'tmpfs', '-o', 'size=90m', 'tmpfs', dir);
  if (refused !== null) return refused;
  onTestFinished(() => void attempt('umount', dir));
  const ballast = join(dir, 'ballast');
  return {
    dir,
    fill: () => {
      const { bavail, bsize } = statfsSync(dir);
      writeFileSync(ballast, Buffer.alloc(bavail * bsize - 4 * MiB));
    },
    relieve: () => rmSync(ballast),
  };
}

function mountQuota(dir: string): Disk | string {
  const image = `${dir}.img`;
  writeFileSync(image, '');
  truncateSync(image, 256 * MiB);
  mkdirSync(dir);
  const refused = attempt('mkfs.btrfs', '-q', image) ?? attempt('mount', '-o', 'loop', image, dir);
  if (refused !== null) return refused;
  onTestFinished(() => void attempt('umount', dir));
  const inside = join(dir, 'quota');
  const refusedQuota =
    attempt('btrfs', 'subvolume', 'create', inside) ?? attempt('btrfs', 'quota', 'enable', dir);
  if (refusedQuota !== null) return refusedQuota;
  return {
    dir: inside,
    fill: () => expect(attempt('btrfs', 'qgroup', 'limit', '4M', inside)).toBeNull(),
    relieve: () => expect(attempt('btrfs', 'qgroup', 'limit', 'none', inside)).toBeNull(),
  };
}

it.for([
  ['ENOSPC', 'a small tmpfs', mountTmpfs],
  ['EDQUOT', 'a btrfs quota', mountQuota],
] as const)(
  '%s in the middle, on %s: everything that came is kept',
  async ([code, where, mount], { skip }) => {
    const dir = await makeScratch();
    const disk = mount(join(dir, 'disk'));
    if (typeof disk === 'string') {
      process.stdout.write(`${code} on ${where} was not tried here: ${disk}\n`);
      return skip(disk);
    }
    const hub = await startFakeHub({
      'acme/tiny': await writeFiles(join(dir, 'model'), makeModel([12 * MiB])),
    });
    onTestFinished(() => hub.close());
    const cacheDir = join(disk.dir, 'cache');
    // The room goes after it was counted, as when somebody else writes.
    const told = listen((line) => void (line.startsWith('plan') ? disk.fill() : null));
    const failed = pullModel(pullOptions(hub.url, cacheDir, { reporter: told.reporter }));
    await expect(failed).rejects.toMatchObject({
      code: 'STEP_MODEL_DISK',
      reason: expect.stringContaining(`(${code})`) as unknown,
      next: expect.stringContaining('goes on where it stopped') as unknown,
    });
    const left = await planModelPull(pullOptions(hub.url, cacheDir));
    expect(left.bytesPresent).toBeGreaterThan(MiB);
    disk.relieve();
    hub.requests.length = 0;
    const { commit } = await pullModel(pullOptions(hub.url, cacheDir));
    expect(hub.bytesServed()).toBe(left.bytesToFetch);
    expect(await countProvedFiles(cacheDir, 'acme/tiny', commit)).toBe(5);
    process.stdout.write(
      `${code} on ${where}: ${Math.round(left.bytesPresent / 1024)} KiB kept, served/needed after it 1.00\n`,
    );
  },
);
