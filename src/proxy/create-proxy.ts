import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { StepError, systemClock } from '../lib/index.ts';
import { Admission } from './admission/admission.ts';
import { shedRefusal } from './admission/shed.ts';
import { Flow } from './forward/flow.ts';
import { createUpstreams, type Upstreams } from './forward/upstream.ts';
import { Ledger } from './ledger.ts';
import { ByteBudget } from './limits/byte-budget.ts';
import { createKeyLimits } from './limits/key-limits.ts';
import { createRateLimiter } from './limits/rate.ts';
import { answerParserError } from './listener/client-error.ts';
import { type Connections, watchConnections } from './listener/connections.ts';
import { isLoopbackHost } from './listener/host.ts';
import { createHttpServer } from './listener/http-server.ts';
import { listenOn } from './listener/listen.ts';
import { handleRequest, type PipelineDeps } from './pipeline.ts';
import { defaultPolicy, type ProxyPolicy } from './policy.ts';
import { createMetrics, type ProxyMetrics } from './record/metrics.ts';
import { routeTable } from './routes.ts';
import { sweep } from './sweep.ts';
import { defaultTimers, type ProxyTimers } from './timers.ts';
import type { DrainResult, Proxy, ProxyOptions } from './types.ts';

/** Wrong keys of one address that are answered per minute; then 429. A right key always passes. */
const failuresPerMinute = 60;

interface Parts {
  readonly server: Server;
  readonly connections: Connections;
  readonly admission: Admission;
  readonly flow: Flow;
  readonly ledger: Ledger;
  readonly budget: ByteBudget;
  readonly metrics: ProxyMetrics;
  readonly upstreams: Upstreams;
  readonly timers: ProxyTimers;
  readonly policy: ProxyPolicy;
  readonly nowMs: () => number;
}

/** Wires the stages to one server. Nothing listens before `start`. */
export function createProxy(options: ProxyOptions): Proxy {
  const parts = assemble(options);
  const { server, admission, ledger, timers, nowMs } = parts;
  let timer: NodeJS.Timeout | null = null;
  let closing: Promise<void> | null = null;
  const unsubscribe = options.view.subscribe(({ state }) => {
    if (state === 'stopping') parts.upstreams.cut();
  });

  return {
    start: async () => {
      checkOpenAddress(options);
      const address = await listenOn(server, options.listen.host, options.listen.port);
      timer = setInterval(() => sweep(parts, nowMs()), timers.sweepMs);
      timer.unref();
      return address;
    },
    drain: (ms, hurry) => drain(parts, ms, hurry),
    close: () => {
      if (timer !== null) clearInterval(timer);
      unsubscribe();
      closing ??= closeAll(parts);
      return closing;
    },
    stats: () => ({
      inFlight: admission.inFlight,
      queued: admission.queued,
      heldBytes: parts.budget.usedBytes,
      connections: parts.connections.size,
      isDraining: admission.isDraining,
      nowMs: nowMs(),
      requests: ledger.describe(),
    }),
    metrics: () => parts.metrics.render(),
  };
}

function assemble(options: ProxyOptions): Parts {
  const policy = { ...defaultPolicy, ...options.policy };
  const timers = { ...defaultTimers, ...options.timers };
  const clock = options.clock ?? systemClock;
  const nowMs = (): number => clock.monotonicMs();
  const ledger = new Ledger();
  const budget = new ByteBudget(policy.maxHeldBytes);
  const admission = new Admission({ view: options.view, policy, timers, nowMs });
  const server = createHttpServer(policy, timers, (request, response) =>
    handleRequest(deps, request, response),
  );
  const connections = watchConnections(server, policy.maxConnectionsPerAddress, (exchange) =>
    flow.cut(exchange, 'client_gone', null),
  );
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    answerParserError(error, socket as Socket, connections.isBusy(socket as Socket)),
  );
  const metrics = createMetrics({
    snapshot: () => admission.snapshot,
    inFlight: () => admission.inFlight,
    queued: () => admission.queued,
    heldBytes: () => budget.usedBytes,
    connections: () => connections.size,
  });
  const upstreams = createUpstreams(timers, policy.maxInFlight);
  const settleDeps = { ledger, budget, metrics, onAccess: options.onAccess ?? null, nowMs };
  const flow = new Flow({ ...settleDeps, admission, upstreams, policy, timers });
  const failures = createRateLimiter(failuresPerMinute);
  const deps: PipelineDeps = {
    ...settleDeps,
    routes: routeTable(options.servedName),
    auth: {
      keys: options.keys,
      localKey: options.localKey ?? null,
      openScopes: policy.openScopes,
      countFailure: (address) => failures.take(address, nowMs()) === 0,
    },
    limits: createKeyLimits(policy),
    policy,
    admission,
    flow,
    connections,
    now: () => clock.now(),
    model: {
      servedName: options.servedName,
      maxModelLen: options.maxModelLen ?? null,
      createdAt: Math.floor(clock.now() / 1_000),
    },
  };
  return { server, connections, admission, flow, ledger, budget, metrics, upstreams, timers, policy, nowMs };
}

/** Without keys, whoever reaches the address may use the GPUs. */
function checkOpenAddress({ keys, listen }: ProxyOptions): void {
  if (keys !== null || isLoopbackHost(listen.host)) return;
  throw new StepError('STEP_PROXY_OPEN_ADDRESS', {
    verdict: `the front door would be open to everyone who reaches ${listen.host}:${listen.port}`,
    reason: 'auth is "none", and the address is not a loopback one',
    next: 'use keys (stepctl keys create NAME; proxy.auth: keys), or listen on 127.0.0.1',
  });
}

async function drain(parts: Parts, ms: number, hurry: AbortSignal | undefined): Promise<DrainResult> {
  const { admission, ledger, flow, server, nowMs } = parts;
  const startedAt = nowMs();
  admission.drain();
  server.closeIdleConnections();
  // A kept-alive connection is still served after its answer; so idle ones are closed again and again.
  const idleTimer = setInterval(() => server.closeIdleConnections(), Math.min(1_000, Math.max(10, ms)));
  const deadline = AbortSignal.timeout(Math.max(0, ms));
  const over = hurry === undefined ? deadline : AbortSignal.any([deadline, hurry]);
  await Promise.race([ledger.whenIdle(), aborted(over)]);
  clearInterval(idleTimer);
  const left = ledger.entries();
  const answer = shedRefusal('draining', admission.snapshot);
  for (const exchange of left) flow.cut(exchange, 'drained', answer);
  return { cut: left.length, waitedMs: nowMs() - startedAt };
}

const aborted = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

async function closeAll({ server, admission, ledger, flow, upstreams }: Parts): Promise<void> {
  const answer = shedRefusal('draining', admission.snapshot);
  for (const exchange of ledger.entries()) flow.cut(exchange, 'drained', answer);
  admission.close();
  // Answers just written go out before their connections do.
  await new Promise((resolve) => setImmediate(resolve));
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await Promise.all([closed, upstreams.close()]);
}
