import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admission } from './admission/admission.ts';
import { shedRefusal } from './admission/shed.ts';
import { applyBodyPolicy } from './body/body-policy.ts';
import { checkLength, readBody } from './body/read-body.ts';
import { Exchange } from './exchange.ts';
import type { Flow } from './forward/flow.ts';
import { authenticate, type Authenticator } from './keys/authenticate.ts';
import type { KeyLimits } from './limits/key-limits.ts';
import type { ByteBudget } from './limits/byte-budget.ts';
import type { Ledger } from './ledger.ts';
import type { Connections } from './listener/connections.ts';
import { hostName, isLoopbackHost } from './listener/host.ts';
import { guardContentType, guardRequest, type RequestHead } from './listener/parse-guard.ts';
import { answerLive, answerReady, type LocalAnswer } from './local/health.ts';
import { answerModel, answerModels, type ModelFacts } from './local/models.ts';
import type { ProxyPolicy } from './policy.ts';
import type { ProxyMetrics } from './record/metrics.ts';
import { type Refusal, refusal } from './refusal.ts';
import { sendAnswer } from './respond.ts';
import { findRoute, type Route, type routeTable } from './routes.ts';
import { settle, type SettleDeps } from './settle.ts';

export interface PipelineDeps extends SettleDeps {
  readonly routes: ReturnType<typeof routeTable>;
  readonly auth: Authenticator;
  readonly limits: KeyLimits;
  readonly budget: ByteBudget;
  readonly ledger: Ledger;
  readonly metrics: ProxyMetrics;
  readonly policy: ProxyPolicy;
  readonly admission: Admission;
  readonly flow: Flow;
  readonly connections: Connections;
  readonly model: ModelFacts;
  readonly now: () => number;
}

interface Admitted {
  readonly head: RequestHead;
  readonly route: Route;
  readonly scopes: readonly string[];
}

/** A request's way through the stages. Each returns a refusal or passes on; only the flow at the end touches the engine. */
export function handleRequest(deps: PipelineDeps, request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const exchange = new Exchange({
    id: randomUUID(),
    request,
    response,
    remote: socket.remoteAddress ?? '',
    at: deps.now(),
    nowMs: deps.nowMs(),
  });
  deps.connections.add(socket, exchange);
  response.once('close', () => deps.connections.remove(socket, exchange));
  const admitted = checkHead(deps, exchange, request);
  if ('status' in admitted) return deps.flow.refuse(exchange, admitted);
  if (admitted.route.upstreamPath === null) return answerLocally(deps, exchange, admitted.route);
  const refused = checkGeneration(deps, exchange, admitted);
  if (refused !== null) return deps.flow.refuse(exchange, refused);
  deps.ledger.add(exchange);
  if (request.headers.expect !== undefined) response.writeContinue();
  readBody(request, deps.policy.maxBodyBytes, deps.budget, (result) =>
    onBody(deps, exchange, admitted, result),
  );
}

/** Parse guard, route, key. */
function checkHead(deps: PipelineDeps, exchange: Exchange, request: IncomingMessage): Admitted | Refusal {
  const { method = '', url = '', httpVersion, rawHeaders } = request;
  const head = guardRequest({ method, url, httpVersion, rawHeaders });
  if ('status' in head) return head;
  const route = findRoute(deps.routes, head.method, head.target);
  if ('status' in route) return route;
  exchange.route = route;
  // Without keys only pages of this machine may ask: a web page that points its own name here may not (DNS rebinding).
  if (deps.auth.keys === null && !isLoopbackHost(hostName(head.host))) return foreignHost;
  if (route.scope === null) return { head, route, scopes: [] };
  const principal = authenticate(deps.auth, head.authorization, route, exchange.remote);
  if ('status' in principal) return principal;
  exchange.keyId = principal.keyId;
  exchange.traceparent = head.traceparent;
  return { head, route, scopes: principal.scopes };
}

const foreignHost = refusal({
  status: 403,
  code: 'foreign_host',
  message: 'this proxy asks for no key and answers only to localhost names',
  closes: true,
});

/** What can be refused before the body is read. */
function checkGeneration(deps: PipelineDeps, exchange: Exchange, { head }: Admitted): Refusal | null {
  const { admission } = deps;
  if (admission.isDraining) return shedRefusal('draining', admission.snapshot);
  return (
    guardContentType(head) ??
    checkLength(head.contentLength, deps.policy.maxBodyBytes) ??
    deps.limits.check(exchange.keyId, deps.ledger.countOf(exchange.keyId), exchange.arrivedAtMs)
  );
}

function onBody(
  deps: PipelineDeps,
  exchange: Exchange,
  admitted: Admitted,
  result: Buffer | Refusal | null,
): void {
  if (Buffer.isBuffer(result)) {
    exchange.bytesIn = result.length;
    exchange.heldBytes = result.length;
  }
  // The client may have left in the same turn as its last byte came.
  if (exchange.end !== null) return giveBack(deps, exchange);
  if (result === null) return settle(exchange, 'client_gone', deps);
  if (!Buffer.isBuffer(result)) return deps.flow.refuse(exchange, result);
  const body = applyBodyPolicy({
    route: admitted.route.name,
    bytes: result,
    servedName: deps.model.servedName,
    scopes: admitted.scopes,
    policy: deps.policy,
  });
  if ('status' in body) return deps.flow.refuse(exchange, body);
  exchange.body = body;
  if (body.droppedFields > 0) deps.metrics.droppedFields(body.droppedFields);
  deps.flow.enter(exchange);
}

function giveBack(deps: PipelineDeps, exchange: Exchange): void {
  deps.budget.give(exchange.heldBytes);
  exchange.heldBytes = 0;
}

function answerLocally(deps: PipelineDeps, exchange: Exchange, route: Route): void {
  if (route.name !== 'metrics') return sendLocal(deps, exchange, makeAnswer(deps, route));
  void deps.metrics.render().then((body) => {
    sendLocal(deps, exchange, { status: 200, contentType: deps.metrics.contentType, headers: [], body });
  });
}

function makeAnswer({ admission, model }: PipelineDeps, route: Route): LocalAnswer {
  if (route.name === 'live') return answerLive();
  if (route.name === 'models') return answerModels(model);
  if (route.name === 'model') return answerModel(model);
  return answerReady(admission.snapshot, admission.isDraining);
}

function sendLocal(deps: PipelineDeps, exchange: Exchange, answer: LocalAnswer): void {
  if (exchange.end !== null) return;
  const headers = [
    'content-type',
    answer.contentType,
    'x-request-id',
    exchange.id,
    'x-stepctl-source',
    'proxy',
    ...answer.headers,
  ];
  sendAnswer(exchange, answer.status, headers, answer.body);
  settle(exchange, 'complete', deps);
}
