import type { BodySink, ExchangeEnd, ExchangeRequest } from './exchange.ts';
import { keptBytes } from './exchange.ts';
import { readHead, type ResponseHead } from './response-head.ts';
import { openWire, type Wire } from './wire.ts';

export type BodyRequest = Omit<ExchangeRequest, 'dispatcher' | 'method'>;

/** An end, or `awkward`: legal HTTP that this client leaves to a full one; nothing of the answer was used. */
export type DirectEnd = ExchangeEnd | { readonly kind: 'awkward' };

const maxHeadBytes = 64 << 10;

export interface DirectLimits {
  readonly headersTimeoutMs: number;
}

/** How an exchange ended, and what that leaves of its connection. */
export interface Ran {
  readonly end: DirectEnd;
  /** The connection can carry another request. */
  readonly isReusable: boolean;
  /** Anything came at all. */
  readonly hadBytes: boolean;
}

/**
 * One GET on an open connection: head, then body to the sink that `accept` returns, with back-pressure. The head is
 * due within `headersTimeoutMs`; how fast the body has to come is for the caller to watch.
 */
export function runOnWire(wire: Wire, request: BodyRequest, limits: DirectLimits): Promise<Ran> {
  const { promise: ended, resolve } = Promise.withResolvers<Ran>();
  let head: ResponseHead | null = null;
  let headText = '';
  let sink: BodySink | null = null;
  let left = 0;
  let kept = '';
  let hadBytes = false;
  let isDone = false;
  const finish = (end: DirectEnd, isReusable = false): false => {
    if (isDone) return false;
    isDone = true;
    clearTimeout(deadline);
    request.signal.removeEventListener('abort', onAbort);
    wire.give(null);
    if (!isReusable) wire.destroy();
    resolve({ end, isReusable, hadBytes });
    return false;
  };
  const fail = (error: Error): false => finish({ kind: 'failed', error });
  const onAbort = (): void => void fail(new Error('aborted'));
  const deadline = setTimeout(
    () => fail(new Error(`no answer within ${limits.headersTimeoutMs} ms`)),
    limits.headersTimeoutMs,
  );
  const finishBody = (): false => {
    const isReusable = head?.isReusable === true && head.bodyBytes !== null && left === 0;
    if (sink !== null) return finish({ kind: 'complete' }, isReusable);
    if (head === null) return fail(new Error('the connection ended before the answer'));
    return finish({ kind: 'refused', status: head.status, headers: head.headers, body: kept }, isReusable);
  };
  const takeBody = (bytes: Buffer): boolean => {
    const body = bytes.length > left ? bytes.subarray(0, left) : bytes;
    left -= body.length;
    let goesOn = true;
    if (sink !== null) goesOn = body.length === 0 || sink.push(body);
    else kept += body.toString('latin1', 0, keptBytes - kept.length);
    if (isDone) return false; // the sink had enough and aborted
    // An answer nobody wants is not read to its end: it may be a whole shard.
    if (sink === null && kept.length >= keptBytes && left > 0) return finishBody();
    if (left > 0) return goesOn;
    if (bytes.length > body.length) left = -1; // more than was announced: not to be used again
    return finishBody();
  };
  const takeHead = (bytes: Buffer): boolean => {
    const before = headText.length;
    headText += bytes.toString('latin1');
    const at = headText.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (at === -1) return headText.length > maxHeadBytes ? fail(new Error('its head has no end')) : true;
    const verdict = readHead(headText.slice(0, at));
    const rest = bytes.subarray(at + 4 - before);
    headText = '';
    if (verdict.kind === 'broken') return fail(new Error(`the answer is not HTTP: ${verdict.reason}`));
    if (verdict.kind === 'awkward') return finish({ kind: 'awkward' });
    if (verdict.head.status < 200) return rest.length === 0 ? true : takeHead(rest);
    clearTimeout(deadline);
    head = verdict.head;
    left = head.bodyBytes ?? Number.POSITIVE_INFINITY;
    sink = request.accept(head.status, head.headers, () => wire.resume());
    return isDone ? false : takeBody(rest);
  };
  wire.give({
    onBytes: (bytes) => {
      hadBytes = true;
      return head === null ? takeHead(bytes) : takeBody(bytes);
    },
    onEnd: (error) => {
      if (error !== null) fail(error);
      else if (head !== null && (head.bodyBytes === null || sink === null)) finishBody();
      else fail(new Error(head === null ? 'other side closed' : `other side closed, ${left} bytes early`));
    },
  });
  if (request.signal.aborted) onAbort();
  request.signal.addEventListener('abort', onAbort, { once: true });
  wire.ready.then(
    () => wire.send(requestText(request)),
    (error: Error) => fail(error),
  );
  return ended;
}

function requestText({ url, headers }: BodyRequest): string {
  const fields = Object.entries({ host: url.host, connection: 'keep-alive', ...headers });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `GET ${url.pathname}${url.search} HTTP/1.1\r\n${lines.join('')}\r\n`;
  // What would end a line early could add a header or a second request.
  if (/[\r\n\0]/.test(text.replaceAll('\r\n', ''))) throw new Error('a header holds a line break');
  return text;
}

/** Connections to many origins, kept open between exchanges. */
export interface DirectTransport {
  get(request: BodyRequest): Promise<DirectEnd>;
  destroy(): void;
}

const connectTimeoutMs = 10_000;
const keepAliveMs = 8_000;

export function createDirectTransport(limits: DirectLimits): DirectTransport {
  const wires = new Set<Wire>();
  const parked = new Map<string, Map<Wire, NodeJS.Timeout>>();
  const drop = (wire: Wire): void => {
    wire.destroy();
    wires.delete(wire);
  };
  const park = (origin: string, wire: Wire): void => {
    const here = parked.get(origin) ?? new Map<Wire, NodeJS.Timeout>();
    const timer = setTimeout(() => {
      here.delete(wire);
      drop(wire);
    }, keepAliveMs);
    parked.set(origin, here.set(wire, timer.unref()));
  };
  const takeParked = (origin: string): Wire | null => {
    const here = parked.get(origin) ?? new Map<Wire, NodeJS.Timeout>();
    for (const [wire, timer] of here) {
      here.delete(wire);
      clearTimeout(timer);
      if (wire.isOpen()) return wire;
      wires.delete(wire);
    }
    return null;
  };
  const runOn = async (wire: Wire, request: BodyRequest): Promise<Ran> => {
    wires.add(wire);
    const ran = await runOnWire(wire, request, limits);
    if (ran.isReusable) park(request.url.origin, wire);
    else drop(wire);
    return ran;
  };
  return {
    get: async (request) => {
      const used = takeParked(request.url.origin);
      if (used !== null) {
        const ran = await runOn(used, request);
        // The other side closed it while it was parked: that says nothing about this request.
        if (ran.end.kind !== 'failed' || ran.hadBytes || request.signal.aborted) return ran.end;
      }
      return (await runOn(openWire(request.url, connectTimeoutMs), request)).end;
    },
    destroy: () => {
      for (const here of parked.values()) for (const timer of here.values()) clearTimeout(timer);
      for (const wire of wires) wire.destroy();
    },
  };
}
