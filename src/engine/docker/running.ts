import type { Container, Network } from 'dockerode';
import type { Endpoint, EngineExit, Running } from '../types.ts';
import { dockerStatus } from './connect.ts';
import { readExit, unknownExit } from './exit.ts';
import { createFrameReader } from './frames.ts';
import { createLineQueue, type LineQueue } from '../logs/line-queue.ts';
import { createLineSplitter } from '../logs/line-splitter.ts';

/** The engine's lines and the connection they come over. */
export interface AttachedLogs {
  readonly queue: LineQueue;
  /** Closes the connection; the queue ends. */
  detach(): void;
}

/** Gone, not running, or being removed by somebody else: nothing left to do. */
const isGone = (error: unknown): boolean => [304, 404, 409].includes(dockerStatus(error) ?? 0);

/**
 * Attaches to a container that has not started yet, so that no line is lost. Attaching, unlike reading the daemon's
 * log file, shows a progress bar while it moves: the log file gets a line only once it has an end. The stream is always
 * read, since an attached client that stops reading makes the daemon block the engine's own writes.
 */
export async function attachLogs(container: Container): Promise<AttachedLogs> {
  const stream = await container.attach({ stream: true, stdout: true, stderr: true });
  const queue = createLineQueue();
  const toQueue = (name: 'stdout' | 'stderr') =>
    createLineSplitter((text) => queue.push({ at: Date.now(), stream: name, text }));
  const splitters = { stdout: toQueue('stdout'), stderr: toQueue('stderr') };
  const read = createFrameReader((name, bytes) => splitters[name].push(bytes));
  const detach = (): void => (stream as unknown as { destroy(): void }).destroy();
  const finish = (): void => {
    splitters.stdout.end();
    splitters.stderr.end();
    queue.end();
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      queue.push({ at: Date.now(), stream: 'stderr', text: `[stepctl: ${String(error)}]` });
      detach();
    }
  });
  for (const event of ['end', 'error', 'close']) stream.once(event, finish);
  return { queue, detach };
}

async function waitForExit(container: Container): Promise<EngineExit> {
  try {
    await container.wait();
  } catch {
    // The daemon went away or the container was removed under us; what it still knows is asked below.
  }
  try {
    return readExit((await container.inspect()).State);
  } catch {
    return unknownExit;
  }
}

/**
 * Sends a signal to the engine. An init is process 1 in the container: it passes SIGTERM on, but not SIGABRT, and the
 * kernel keeps an unhandled one from process 1. So SIGABRT is sent by a command inside, to all processes but process 1.
 */
async function sendSignal(container: Container, name: 'SIGTERM' | 'SIGABRT' | 'SIGKILL'): Promise<void> {
  try {
    if (name !== 'SIGABRT') {
      await container.kill({ signal: name });
      return;
    }
    const exec = await container.exec({
      Cmd: ['/bin/sh', '-c', 'kill -ABRT -1'],
      AttachStdout: false,
      AttachStderr: false,
    });
    await exec.start({ Detach: true });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Kills and removes a container. One that is gone already is no error. */
export async function removeContainer(container: Container): Promise<void> {
  try {
    await container.remove({ force: true, v: true });
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Removes a network; one that is gone already is no error. */
export async function removeNetwork(network: Network): Promise<void> {
  try {
    await network.remove();
  } catch (error) {
    if (dockerStatus(error) !== 404) throw error;
  }
}

/** The handle on a started container. */
export function createRunning(input: {
  container: Container;
  network: Network;
  endpoint: Endpoint;
  logs: AttachedLogs;
}): Running {
  const { container, network, logs } = input;
  let destroyed: Promise<void> | null = null;
  const destroy = async (): Promise<void> => {
    await removeContainer(container);
    await removeNetwork(network);
    logs.detach();
    logs.queue.end();
  };
  return {
    id: container.id,
    endpoint: input.endpoint,
    logs: logs.queue,
    exited: waitForExit(container),
    signal: (name) => sendSignal(container, name),
    destroy: () => {
      destroyed ??= destroy().catch((error: unknown) => {
        destroyed = null;
        throw error;
      });
      return destroyed;
    },
  };
}
