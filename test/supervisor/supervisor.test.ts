import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDriver, requestEngine, streamEngine } from '../../src/engine/index.ts';
import { systemClock } from '../../src/lib/index.ts';
import {
  createSupervisor,
  defaultPolicy,
  type EngineSnapshot,
  type EngineState,
  type EndFacts,
  type Supervisor,
  type SupervisorOptions,
  type SupervisorRecord,
} from '../../src/supervisor/index.ts';
import { makeSimHome, type SimHome, simSpec, truth } from '../engine/sim-spec.ts';
import { diagnosis } from './machine.ts';

let home: SimHome;
let supervisor: Supervisor;
let records: SupervisorRecord[];
const driver = createDriver('sim');

beforeEach(async () => {
  home = await makeSimHome();
  records = [];
});
afterEach(async () => {
  await supervisor.close();
  expect(await driver.leftovers('test', home.stateDir)).toEqual([]);
  await home.remove();
});

const diagnose = ({ lines, exitCode }: EndFacts) => {
  const evidence = lines.filter((line) => line.includes('simulated failure'));
  return diagnosis({
    signature: evidence.length > 0 ? 'simulated' : `exit-${exitCode}`,
    evidence,
    deterministic: evidence.length > 0,
  });
};

function supervise(switches: readonly string[], parts: Partial<SupervisorOptions> = {}): Supervisor {
  supervisor = createSupervisor({
    driver,
    spec: simSpec(home, ...switches),
    servedName: 'step',
    readiness: { expect: truth, wrongAnswerHint: null },
    diagnose,
    recognisePhase: (line) => {
      const shards = /(\d+)\/(\d+) \[/.exec(line);
      if (shards !== null) return { phase: 'weights', progress: Number(shards[1]) / Number(shards[2]) };
      return line.includes('Starting vLLM API server') ? { phase: 'server', progress: null } : null;
    },
    policy: fast,
    logDir: join(home.stateDir, 'logs'),
    clock: systemClock,
    onEvent: (record) => records.push(record),
    ...parts,
  });
  supervisor.start();
  return supervisor;
}

const fast = {
  ...defaultPolicy,
  backoffFirstMs: 20,
  healthIntervalMs: 30,
  probeIntervalMs: 10,
  stopGraceMs: 2_000,
};
const deadline = () => AbortSignal.timeout(15_000);

/** Resolves with the first snapshot that fits. */
function seen(fits: (snapshot: EngineSnapshot) => boolean): Promise<EngineSnapshot> {
  const { promise, resolve, reject } = Promise.withResolvers<EngineSnapshot>();
  const look = (snapshot: EngineSnapshot) => {
    if (fits(snapshot)) resolve(snapshot);
  };
  const leave = supervisor.subscribe(look);
  const signal = deadline();
  signal.addEventListener('abort', () =>
    reject(new Error(`never seen; last: ${JSON.stringify(supervisor.snapshot())}`)),
  );
  look(supervisor.snapshot());
  return promise.finally(leave);
}
const inState = (state: EngineState, incarnation = 0) =>
  seen((snapshot) => snapshot.state === state && snapshot.incarnation >= incarnation);
const kinds = () => records.map(({ kind }) => kind);

describe('an engine that works', () => {
  test('comes up through its phases, is ready after a right answer, stops and leaves nothing', async () => {
    const phases = new Set<string>();
    supervise([]).subscribe(({ phase }) => phase !== null && phases.add(phase));
    await supervisor.waitReady(deadline());
    const { endpoint, state, incarnation } = supervisor.snapshot();
    expect({ state, incarnation }).toEqual({ state: 'ready', incarnation: 1 });
    expect([...phases]).toEqual(['launch', 'weights', 'server', 'canary']);
    if (endpoint === null) throw new Error('no endpoint');
    expect((await requestEngine(endpoint, { path: '/version', timeoutMs: 1000 })).status).toBe(200);
    await supervisor.stop('test');
    expect(supervisor.snapshot()).toMatchObject({ state: 'stopped', endpoint: null });
  });

  test('its log and the events are on disk, and the next start knows how long it takes', async () => {
    await supervise([]).waitReady(deadline());
    await supervisor.restart('test');
    expect(supervisor.snapshot().readyInMs).toBeGreaterThan(0);
    await supervisor.waitReady(deadline());
    await supervisor.close();
    const logs = join(home.stateDir, 'logs');
    expect((await readdir(logs)).toSorted()).toEqual(['start-1.log', 'start-2.log']);
    expect(await readFile(join(logs, 'start-1.log'), 'utf8')).toMatch(/^\S+Z out .*vLLM API server version/m);
    const events = (await readFile(join(home.stateDir, 'events.jsonl'), 'utf8')).trim().split('\n');
    expect(events.map((line) => JSON.parse(line).kind)).toEqual(kinds());
    expect(kinds().filter((kind) => kind === 'ready')).toHaveLength(2);
  });

  test('a stop lets requests in flight finish first, and while it does no endpoint is offered', async () => {
    const drained = Promise.withResolvers<void>();
    await supervise([], { drain: () => drained.promise, policy: { ...fast, drainMs: 10_000 } }).waitReady(
      deadline(),
    );
    const stopping = supervisor.stop('test');
    expect(supervisor.snapshot()).toMatchObject({ state: 'draining', endpoint: null });
    drained.resolve();
    await stopping;
    expect(kinds().filter((kind) => kind === 'draining' || kind === 'stopped')).toEqual([
      'draining',
      'stopped',
    ]);
  });
});

describe('an engine that ends', () => {
  test('by itself with code 0 is a crash and comes back', async () => {
    const once = join(home.root, 'once');
    // The readiness probe takes 17 of them.
    await supervise(['--sim-crash-after-tokens', '20', '--sim-once-file', once]).waitReady(deadline());
    const { endpoint } = supervisor.snapshot();
    if (endpoint === null) throw new Error('no endpoint');
    const body = { model: 'step', messages: [{ role: 'user', content: 'Count for ever' }] };
    const answer = await requestEngine(endpoint, { path: '/v1/chat/completions', body, timeoutMs: 5_000 });
    expect(answer.status).toBe(500);
    const { diagnosis: why } = await inState('backing-off');
    expect(why?.signature).toBe('exit-0');
    expect(await inState('ready', 2)).toMatchObject({ incarnation: 2, restarts: 1 });
  });

  test('while it is killed twice comes back twice, one at a time', async () => {
    await supervise([]).waitReady(deadline());
    for (const incarnation of [1, 2]) {
      process.kill(Number(supervisor.snapshot().engineId), 'SIGKILL');
      await inState('ready', incarnation + 1);
    }
    const order = kinds().filter((kind) => kind === 'launched' || kind === 'exited');
    expect(order).toEqual(['launched', 'exited', 'launched', 'exited', 'launched']);
  });

  test('twice with the same sure cause is given up, and the waiting one is told why', async () => {
    supervise(['--sim-die-in', 'weights']);
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      code: 'STEP_SUPERVISOR_GIVEN_UP',
      details: { diagnosis: { signature: 'simulated' }, incarnation: 2 },
    });
    await supervisor.stop('test');
    expect(supervisor.snapshot().state).toBe('stopped');
  });

  test('by never starting at all is given up with the reason', async () => {
    const real = createDriver('process');
    supervise([], { driver: real, spec: { ...simSpec(home), program: ['/no/such/python'] } });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      reason: expect.stringContaining('/no/such/python'),
    });
  });
});

describe('an engine that comes up wrong', () => {
  test.each([
    ['--sim-garbage', 'wrong-answer', '!!!!'],
    ['--sim-wrong-text', 'wrong-answer', 'forty-two! is answer The'],
    ['--sim-model-id=other', 'wrong-model', 'serves other, not step'],
  ])('%s is refused as %s', async (fault, signature, text) => {
    supervise([fault]);
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      details: { diagnosis: { signature, deterministic: true, cause: expect.stringContaining(text) } },
    });
    expect(kinds()).not.toContain('ready');
  });

  const untrue = diagnosis({ signature: 'runtime-proof', deterministic: true, isFinal: true });
  test('a process that says it runs something else ends the start at once, without a second one', async () => {
    let said: 'pending' | typeof untrue = 'pending';
    const line = (text: string): boolean => {
      if (!text.includes('vLLM API server version')) return false;
      said = untrue;
      return true;
    };
    supervise([], { proof: { begin: () => {}, line, verdict: () => said } });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      details: { diagnosis: { signature: 'runtime-proof' }, incarnation: 1 },
    });
    expect(kinds()).not.toContain('ready');
  });

  test('silence is waited for no longer than the grace after the first answer, then it is a no', async () => {
    const proof = {
      begin: () => {},
      line: () => false,
      verdict: (isFinal: boolean) => (isFinal ? untrue : ('pending' as const)),
    };
    supervise([], { proof, policy: { ...fast, proofGraceMs: 50 } });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      details: { diagnosis: { signature: 'runtime-proof' }, incarnation: 1 },
    });
  });

  test('each start has to prove itself anew', async () => {
    let begun = 0;
    const proof = { begin: () => void (begun += 1), line: () => false, verdict: () => 'proven' as const };
    await supervise([], { proof }).waitReady(deadline());
    await supervisor.restart('test');
    await supervisor.waitReady(deadline());
    expect(begun).toBe(2);
  });

  test('garbage of an ordinary model is refused too, and the reason names the missing patch', async () => {
    const wrongAnswerHint = 'patch swiglustep-nvfp4-moe is not in this build';
    supervise(['--sim-garbage'], { readiness: { expect: null, wrongAnswerHint } });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      reason: expect.stringContaining(wrongAnswerHint),
    });
  });

  test('never ready ends at the start timeout', async () => {
    supervise(['--sim-never-ready'], {
      policy: { ...fast, startTimeoutMs: 600, maxFailedStarts: 1, abortGraceMs: 500 },
    });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      details: { diagnosis: { signature: 'start-timeout' } },
    });
  });

  test('frozen before its first token is not ready, though its health is 200', async () => {
    const policy = { ...fast, probeTimeoutMs: 100, maxFailedStarts: 1 };
    supervise(['--sim-freeze-after-tokens', '0'], { policy });
    await expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      details: { diagnosis: { signature: 'probe-failed', deterministic: false } },
    });
  });
});

describe('stopping', () => {
  test('an engine that ignores SIGTERM is killed, with the child that left its session', async () => {
    await supervise(['--sim-ignore-sigterm', '--sim-core-process'], {
      policy: { ...fast, stopGraceMs: 50 },
    }).waitReady(deadline());
    await supervisor.stop('test');
    expect(records.filter(({ kind }) => kind === 'stopping').map(({ step }) => step)).toEqual([
      'term',
      'kill',
      'remove',
    ]);
  });

  test('an engine with an open stream ends on SIGTERM, because the stream is cut', async () => {
    await supervise([]).waitReady(deadline());
    const { endpoint } = supervisor.snapshot();
    if (endpoint === null) throw new Error('no endpoint');
    const body = { model: 'step', stream: true, messages: [{ role: 'user', content: 'Count for ever' }] };
    const request = { path: '/v1/chat/completions', body, timeoutMs: 10_000 };
    const flowing = Promise.withResolvers<void>();
    const reading = (async () => {
      for await (const event of streamEngine(endpoint, request)) if (event !== '') flowing.resolve();
    })();
    const lost = expect(reading).rejects.toMatchObject({ code: 'STEP_ENGINE_UNREACHABLE' });
    await flowing.promise;
    await supervisor.stop('test');
    await lost;
    expect(records.filter(({ kind }) => kind === 'stopping').map(({ step }) => step)).toEqual([
      'term',
      'remove',
    ]);
  });

  test('during a start ends it', async () => {
    supervise(['--sim-startup-ms', '10000']);
    await seen(({ engineId }) => engineId !== null);
    await supervisor.stop('test');
    expect(supervisor.snapshot().state).toBe('stopped');
  });

  test('before the launch is known ends it too', async () => {
    await supervise([]).stop('test');
    expect(supervisor.snapshot()).toMatchObject({ state: 'stopped', incarnation: 1 });
  });

  test('who waits for ready is told, and so is who gave up waiting', async () => {
    supervise(['--sim-startup-ms', '10000']);
    await expect(supervisor.waitReady(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    const waiting = expect(supervisor.waitReady(deadline())).rejects.toMatchObject({
      code: 'STEP_SUPERVISOR_STOPPED',
    });
    await supervisor.stop('test');
    await waiting;
  });

  test('once closed, nothing starts any more', async () => {
    supervise([]);
    await supervisor.close();
    expect(() => supervisor.start()).toThrow('closed');
  });
});
