import { spawn } from 'node:child_process';
import { access, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { readCheckpointScript } from '../../lib/index.ts';
import { parseArgs, type SimOptions } from './args.ts';
import { createCore, type SimCore } from './core.ts';
import { withoutFaults } from './faults.ts';
import type { SimLog } from './log.ts';
import { createSimServer } from './server.ts';
import { runStartup, StartFailure } from './startup.ts';

/** Applies `--sim-once-file`: true when this start is the first and its faults hold. */
async function isFirstStart(file: string): Promise<boolean> {
  try {
    await writeFile(file, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function readOptions(argv: readonly string[]): Promise<SimOptions> {
  const options = parseArgs(argv);
  const { onceFile } = options.faults;
  if (onceFile === null || (await isFirstStart(onceFile))) return options;
  return { ...options, faults: withoutFaults(options.faults) };
}

/** A child that leaves its parent's session, as an EngineCore that got away: only marks lead to it. */
function startCoreProcess(): void {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], {
    detached: true,
    stdio: 'ignore',
  });
  child.unref();
}

function listen(server: Server, { listen: where, faults }: SimOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (faults.isPortTaken) return reject(Object.assign(new Error('port taken'), { code: 'EADDRINUSE' }));
    if (where.kind === 'unix') server.listen({ path: where.path }, resolve);
    else server.listen({ host: where.host, port: where.port }, resolve);
  });
}

/** From the start to listening. */
async function bringUp(options: SimOptions, core: SimCore, log: SimLog): Promise<Server> {
  if (options.faults.hasCoreProcess) startCoreProcess();
  await access(options.modelDir).catch(() => {
    throw new StartFailure(`OSError: ${options.modelDir}: no such folder`, 1);
  });
  const truth = await readCheckpointScript(options.modelDir);
  await runStartup(options, log);
  const server = createSimServer({ options, core, truth, log });
  await listen(server, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new StartFailure('OSError: [Errno 98] Address already in use', 1);
  });
  log.raw('INFO:     Application startup complete.');
  if (options.faults.crashAfterMs !== null) setTimeout(() => core.die(), options.faults.crashAfterMs);
  return server;
}

/** Comes up, serves, and resolves with the exit code. */
async function serve(options: SimOptions, log: SimLog): Promise<number> {
  const { faults } = options;
  const ended = Promise.withResolvers<number>();
  const core = createCore(faults, () => {
    log.server('[shutdown] MPClient: engine core exited unexpectedly; starting cleanup', 'ERROR');
    setTimeout(() => ended.resolve(0), faults.crashExitMs);
  });
  let server: Server | null = null;
  process.on('SIGTERM', () => {
    if (faults.ignoresSigterm) return;
    if (server === null) return ended.resolve(1);
    log.raw('INFO:     Shutting down');
    // The core goes at once; the server waits for open streams, which get no further byte (seen on 0.16.0 and 0.32.0).
    core.halt();
    server.close(() => ended.resolve(0));
    if (core.counters.running > 0)
      log.raw('INFO:     Waiting for connections to close. (CTRL+C to force quit)');
  });
  const serving = bringUp(options, core, log).then((listening) => {
    server = listening;
    return ended.promise;
  });
  return Promise.race([ended.promise, serving]);
}

/** Plays `vllm serve` until its end; returns the exit code. */
export async function runSimulator(argv: readonly string[], log: SimLog): Promise<number> {
  let options: SimOptions;
  try {
    options = await readOptions(argv);
  } catch (error) {
    log.raw(`usage: vllm [-h] [-v] {serve} ...\nvllm: error: ${(error as Error).message}`);
    return 2;
  }
  try {
    return await serve(options, log);
  } catch (error) {
    const failure = error instanceof StartFailure ? error : new StartFailure(String(error), 1);
    log.raw(`Traceback (most recent call last):\n${failure.message}`);
    log.raw('RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}');
    return failure.code;
  }
}
