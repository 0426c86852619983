import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { EngineSnapshot, EngineState } from '../../supervisor/types.ts';
import type { AccessRecord } from '../types.ts';

/** Read when the page is asked for, so that they cost nothing per request. */
export interface LiveNumbers {
  readonly snapshot: () => EngineSnapshot;
  readonly inFlight: () => number;
  readonly queued: () => number;
  readonly heldBytes: () => number;
  readonly connections: () => number;
}

export interface ProxyMetrics {
  settled(record: AccessRecord): void;
  readmitted(): void;
  droppedFields(count: number): void;
  render(): Promise<string>;
  readonly contentType: string;
}

const states: readonly EngineState[] = [
  'stopped',
  'starting',
  'ready',
  'suspect',
  'draining',
  'stopping',
  'backing-off',
  'given-up',
];
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

function addGauges(registers: Registry[], live: LiveNumbers): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read()) });
  };
  gauge('stepctl_in_flight', 'Requests forwarded to the engine and not yet answered', live.inFlight);
  gauge('stepctl_queued', 'Requests that wait for the engine', live.queued);
  gauge('stepctl_held_bytes', 'Request bodies held in memory', live.heldBytes);
  gauge('stepctl_connections', 'Open client connections', live.connections);
  gauge(
    'stepctl_engine_incarnation',
    'Starts of the engine since the controller came up',
    () => live.snapshot().incarnation,
  );
  gauge(
    'stepctl_engine_restarts',
    'Restarts of the engine since the controller came up',
    () => live.snapshot().restarts,
  );
  const state: Gauge<'state'> = new Gauge({
    name: 'stepctl_engine_state',
    help: '1 for the state that the engine is in',
    labelNames: ['state'],
    registers,
    collect: () => {
      const now = live.snapshot().state;
      for (const name of states) state.set({ state: name }, name === now ? 1 : 0);
    },
  });
}

/** The proxy's own registry: nothing global, two proxies in one process do not meet. */
export function createMetrics(live: LiveNumbers): ProxyMetrics {
  const registry = new Registry();
  const registers = [registry];
  addGauges(registers, live);
  const requests = new Counter({
    name: 'stepctl_requests_total',
    help: 'Requests by route, status and how they ended',
    labelNames: ['route', 'status', 'end'],
    registers,
  });
  const shed = new Counter({
    name: 'stepctl_shed_total',
    help: 'Requests refused for load or state, by reason',
    labelNames: ['reason'],
    registers,
  });
  const readmitted = new Counter({
    name: 'stepctl_readmitted_total',
    help: 'Requests sent once more after the engine died with them',
    registers,
  });
  const dropped = new Counter({
    name: 'stepctl_dropped_fields_total',
    help: 'Unknown body fields left out',
    registers,
  });
  const tokensIn = new Counter({
    name: 'stepctl_prompt_tokens_total',
    help: 'Prompt tokens, from the usage the engine reported',
    registers,
  });
  const tokensOut = new Counter({
    name: 'stepctl_completion_tokens_total',
    help: 'Completion tokens, from the usage the engine reported',
    registers,
  });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: seconds, registers });
  const queueWait = histogram('stepctl_queue_wait_seconds', 'Time a request waited before it was forwarded');
  const ttft = histogram(
    'stepctl_ttft_seconds',
    'From the head of a request to the first byte of the answer',
  );
  const duration = histogram(
    'stepctl_request_duration_seconds',
    'From the head of a generation request to its end',
  );
  return {
    contentType: registry.contentType,
    settled: (record) => {
      requests.inc({ route: record.route ?? 'none', status: record.status, end: record.end });
      if (record.shed !== null) shed.inc({ reason: record.shed });
      if (record.promptTokens !== null) tokensIn.inc(record.promptTokens);
      if (record.completionTokens !== null) tokensOut.inc(record.completionTokens);
      if (record.route !== 'chat' && record.route !== 'completions') return;
      queueWait.observe(record.queueMs / 1_000);
      if (record.ttftMs !== null) ttft.observe(record.ttftMs / 1_000);
      duration.observe(record.durationMs / 1_000);
    },
    readmitted: () => readmitted.inc(),
    droppedFields: (count) => dropped.inc(count),
    render: () => registry.metrics(),
  };
}
