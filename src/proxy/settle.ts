import type { Exchange } from './exchange.ts';
import type { Ledger } from './ledger.ts';
import type { ByteBudget } from './limits/byte-budget.ts';
import type { ProxyMetrics } from './record/metrics.ts';
import type { AccessRecord, EndReason } from './types.ts';

export interface SettleDeps {
  readonly ledger: Ledger;
  readonly budget: ByteBudget;
  readonly metrics: ProxyMetrics;
  readonly onAccess: ((record: AccessRecord) => void) | null;
  readonly nowMs: () => number;
}

/** Last stage: gives back what the request held and writes it down. The first call counts, later ones do nothing. */
export function settle(exchange: Exchange, end: EndReason, deps: SettleDeps): void {
  if (exchange.end !== null) return;
  const now = deps.nowMs();
  exchange.end = end;
  exchange.phase = 'done';
  exchange.cancelAttempt = null;
  exchange.body = stripBytes(exchange);
  deps.budget.give(exchange.heldBytes);
  exchange.heldBytes = 0;
  deps.ledger.remove(exchange);
  if (!exchange.response.writableFinished && !exchange.response.destroyed) deps.ledger.linger(exchange, now);
  const record = makeRecord(exchange, end, now);
  deps.metrics.settled(record);
  deps.onAccess?.(record);
}

const nothing = Buffer.alloc(0);
const stripBytes = ({ body }: Exchange) => (body === null ? null : { ...body, bytes: nothing });

const round = (ms: number): number => Math.round(ms * 1_000) / 1_000;

function makeRecord(exchange: Exchange, end: EndReason, now: number): AccessRecord {
  const { refusal, usage, firstDataAtMs, arrivedAtMs } = exchange;
  return {
    at: exchange.at,
    requestId: exchange.id,
    remote: exchange.remote,
    keyId: exchange.keyId === '' ? null : exchange.keyId,
    route: exchange.route?.name ?? null,
    method: exchange.method,
    status: exchange.status,
    isStream: exchange.isStream,
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    promptTokens: usage?.promptTokens ?? null,
    completionTokens: usage?.completionTokens ?? null,
    queueMs: round(exchange.queueMs),
    ttftMs: firstDataAtMs === null ? null : round(firstDataAtMs - arrivedAtMs),
    durationMs: round(now - arrivedAtMs),
    end,
    code: refusal?.code ?? null,
    shed: refusal?.shed ?? null,
    readmits: exchange.readmits,
  };
}
