import { mkdir, readFile, rm } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import {
  identifyProcess,
  instanceDir,
  isAlive,
  lockHolder,
  type OwnerLock,
  type ProcessIdentity,
  StepError,
  takeOwnerLock,
  writeFileAtomic,
} from '../lib/index.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What a controller leaves on disk for the commands that come after it, also after its death. */
export interface InstanceRecord {
  readonly schema: 'stepctl/instance/1';
  readonly owner: ProcessIdentity;
  readonly socket: string;
  readonly driver: string;
  readonly profile: string;
  readonly listen: string;
  readonly startedAt: number;
}

export interface ClaimedInstance {
  readonly dir: string;
  readonly socket: string;
  /** Tells later commands what runs here. */
  record(facts: Pick<InstanceRecord, 'driver' | 'profile' | 'listen'>): Promise<void>;
  /** Clean end: record, socket and lock go. */
  release(): Promise<void>;
}

const recordFile = (dir: string): string => join(dir, 'controller.json');
const lockFile = (dir: string): string => join(dir, 'controller.lock');

/** The socket lies in the instance's folder unless its path outgrows sun_path (108 bytes, unix(7)). */
async function socketPath(dir: string): Promise<string> {
  const wanted = join(dir, 'control.sock');
  if (Buffer.byteLength(wanted) < 100) return wanted;
  const short = join(
    tmpdir(),
    `stepctl-${userInfo().uid}-${createHash('sha256').update(dir).digest('hex').slice(0, 12)}`,
  );
  await mkdir(short, { recursive: true, mode: 0o700 });
  return join(short, 'control.sock');
}

/** Takes the instance for this process. Throws STEP_CONTROL_BUSY where a live controller has it. */
export async function claimInstance(instance: string, env: Env = process.env): Promise<ClaimedInstance> {
  const dir = instanceDir(instance, env);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const lock = await takeOwnerLock(lockFile(dir));
  if ('heldBy' in lock) throw busy(instance, lock.heldBy);
  const socket = await socketPath(dir);
  await rm(socket, { force: true });
  return {
    dir,
    socket,
    record: (facts) => writeRecord(dir, socket, facts),
    release: () => release(dir, socket, lock),
  };
}

function busy(instance: string, holder: ProcessIdentity): StepError {
  return new StepError('STEP_CONTROL_BUSY', {
    verdict: `instance "${instance}" is up already`,
    reason: `process ${holder.pid} on ${holder.host} is its controller`,
    next: `stepctl status --instance ${instance}, or stepctl down --instance ${instance} first, or another --instance NAME with another --listen`,
    details: { pid: holder.pid },
  });
}

async function writeRecord(
  dir: string,
  socket: string,
  facts: Pick<InstanceRecord, 'driver' | 'profile' | 'listen'>,
): Promise<void> {
  const record: InstanceRecord = {
    schema: 'stepctl/instance/1',
    owner: await identifyProcess(),
    socket,
    startedAt: Date.now(),
    ...facts,
  };
  await writeFileAtomic(recordFile(dir), `${JSON.stringify(record, null, 2)}\n`);
}

async function release(dir: string, socket: string, lock: OwnerLock): Promise<void> {
  await rm(socket, { force: true });
  await rm(recordFile(dir), { force: true });
  await lock.release();
}

/** What is known of an instance from disk; `alive` tells whether its controller still runs. */
export async function readInstance(
  instance: string,
  env: Env = process.env,
): Promise<{ readonly record: InstanceRecord; readonly alive: boolean; readonly dir: string } | null> {
  const dir = instanceDir(instance, env);
  const text = await readFile(recordFile(dir), 'utf8').catch(() => null);
  if (text === null) {
    const holder = await lockHolder(lockFile(dir));
    if (holder === null) return null;
    return { record: await provisional(dir, holder), alive: true, dir };
  }
  const record = JSON.parse(text) as InstanceRecord;
  return { record, alive: await isAlive(record.owner), dir };
}

/** Between the claim and the first record the lock alone says who is there. */
async function provisional(dir: string, owner: ProcessIdentity): Promise<InstanceRecord> {
  const socket = await socketPath(dir);
  return {
    schema: 'stepctl/instance/1',
    owner,
    socket,
    driver: 'unknown',
    profile: 'unknown',
    listen: 'unknown',
    startedAt: 0,
  };
}
