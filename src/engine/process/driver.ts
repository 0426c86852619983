import { access, constants, rm } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { identifyProcess, StepError, systemClock } from '../../lib/index.ts';
import { closeDispatcher } from '../http/dispatcher.ts';
import type { DriverName, Endpoint, EngineDriver, EngineSpec, Running } from '../types.ts';
import { type EngineChild, spawnChild } from './child.ts';
import { findEngineTree, type TreeIdentity } from './engine-tree.ts';
import { engineEnvironment, instanceMark } from './environment.ts';
import { killTree } from './kill-tree.ts';
import { findLeftovers, removeLeftovers } from './leftovers.ts';
import { findListenerOwner, listenFlags, type ListenPlan, planEndpoint } from './listen.ts';
import { readBootId, readProcessTable } from './process-table.ts';
import { type EngineRecord, removeRecord, writeRecord } from './record.ts';
import { makeRunDir } from './run-dir.ts';

export interface ProcessDriverDeps {
  /** Environment of stepctl itself, of which the engine inherits an allow-list. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** A unix socket in a private folder unless told otherwise. */
  readonly listen?: ListenPlan;
}

async function isExecutable(program: string, path: string): Promise<boolean> {
  const places = isAbsolute(program)
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  for (const place of places) {
    if (
      await access(place, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}

async function checkProgram(
  spec: EngineSpec,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const [program] = spec.program;
  if (program !== undefined && (await isExecutable(program, env['PATH'] ?? ''))) return;
  throw new StepError('STEP_ENGINE_PROGRAM_MISSING', {
    verdict: `the engine's program ${program ?? '(none)'} is not there`,
    reason: 'no such executable file, absolute or on PATH',
    next: 'stepctl build',
  });
}

/** Signals the main process, or the whole group; that it is gone is no error. */
function send(child: EngineChild, name: NodeJS.Signals): void {
  if (child.hasExited()) return;
  try {
    process.kill(name === 'SIGABRT' ? -child.pid : child.pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

interface Started {
  readonly spec: EngineSpec;
  readonly child: EngineChild;
  readonly endpoint: Endpoint;
  readonly identity: TreeIdentity;
  readonly runDir: string;
}

function makeRunning({ spec, child, endpoint, identity, runDir }: Started): Running {
  const remove = async () => {
    await killTree(identity);
    await child.exited;
    child.closeLogs();
    await closeDispatcher(endpoint);
    await rm(runDir, { recursive: true, force: true });
    await removeRecord(spec.stateDir);
  };
  let removal: Promise<void> | null = null;
  return {
    id: String(child.pid),
    endpoint,
    logs: child.logs,
    exited: child.exited,
    ...(endpoint.kind === 'tcp'
      ? {
          listener: async () => {
            const tree = findEngineTree(await readProcessTable(), identity);
            return findListenerOwner(
              endpoint.port,
              tree.map((row) => row.pid),
            );
          },
        }
      : {}),
    signal: async (name) => send(child, name),
    destroy: () => {
      // A failed removal may be tried again; a running or finished one is shared.
      removal ??= remove().catch((error: unknown) => {
        removal = null;
        throw error;
      });
      return removal;
    },
  };
}

/**
 * vLLM leaves its sockets in the temporary folder when it is killed, so it gets one that goes with the engine. Not where
 * the path would outgrow sun_path (107 bytes) with a UUID behind it.
 */
const withPrivateTemp = (env: Readonly<Record<string, string | undefined>>, runDir: string) =>
  Buffer.byteLength(runDir) + 1 + 36 <= 107 ? { ...env, TMPDIR: runDir } : env;

async function startEngine(spec: EngineSpec, deps: ProcessDriverDeps): Promise<Running> {
  const env = deps.env ?? process.env;
  const runDir = await makeRunDir(spec.stateDir, env);
  const mark = instanceMark(spec.instance, spec.stateDir);
  const base: EngineRecord = {
    schema: 'stepctl/engine-process/1',
    instance: spec.instance,
    bootId: await readBootId(),
    runDir,
    leader: null,
    startedAt: systemClock.now(),
  };
  let identity: TreeIdentity = { mark, runDir, leader: null };
  try {
    const endpoint = await planEndpoint(deps.listen ?? { kind: 'unix' }, runDir);
    // Written before the spawn: killed in between, the folder is still found.
    await writeRecord(spec.stateDir, base);
    const [file = '', ...leading] = spec.program;
    const child = await spawnChild({
      file,
      args: [...leading, ...spec.args, ...listenFlags(endpoint)],
      env: engineEnvironment(spec, withPrivateTemp(env, runDir)),
      cwd: runDir,
    });
    const { startTicks } = await identifyProcess(child.pid);
    identity = { mark, runDir, leader: { pid: child.pid, startTicks: startTicks ?? '' } };
    await writeRecord(spec.stateDir, { ...base, leader: identity.leader });
    return makeRunning({ spec, child, endpoint, identity, runDir });
  } catch (error) {
    await killTree(identity);
    await rm(runDir, { recursive: true, force: true });
    await removeRecord(spec.stateDir);
    throw error;
  }
}

/** Runs the engine as a process tree of this machine. Linux: ownership of processes is read from /proc. */
export function createProcessDriver(
  deps: ProcessDriverDeps = {},
  name: DriverName = 'process',
): EngineDriver {
  return {
    name,
    check: (spec) => checkProgram(spec, deps.env ?? process.env),
    start: (spec) => startEngine(spec, deps),
    leftovers: findLeftovers,
    remove: removeLeftovers,
  };
}
