import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { CheckpointScript } from '../../lib/index.ts';
import { chooseScript, type Piece, planAnswer } from './answer.ts';
import type { SimOptions } from './args.ts';
import { CoreDead, type SimCore } from './core.ts';
import { pieceAt, planLength, streamShape, wholeReply } from './reply.ts';
import { ApiError, type SimRequest } from './request.ts';

export interface GenerateContext {
  readonly options: SimOptions;
  readonly core: SimCore;
  readonly truth: CheckpointScript | null;
}

const deadError = () => new ApiError(500, 'InternalServerError', new CoreDead().message);

const sendJson = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};

/** Writes one event and waits while the client does not read. */
async function sendEvent(response: ServerResponse, data: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted || response.write(`data: ${data}\n\n`)) return;
  await once(response, 'drain', { signal }).catch(() => {});
}

/** Decodes one request and answers it. A client that leaves ends the decoding at the next token. */
export async function generate(
  context: GenerateContext,
  request: SimRequest,
  response: ServerResponse,
): Promise<void> {
  const { core, options, truth } = context;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  if (core.isDead()) throw deadError();
  const script = chooseScript(truth, request.question, request.hasTools);
  const answer = planAnswer(script, options);
  const plan = planLength(request, answer);
  core.counters.promptTokens += request.promptTokens;
  const count = (reason: string) =>
    core.counters.finished.set(reason, (core.counters.finished.get(reason) ?? 0) + 1);
  const pieces = piecesOf(core, plan.count, gone.signal, (k) => pieceAt(answer, k, plan));
  const { signal } = gone;
  const done = request.isStream
    ? await streamReply({ request, options, response, pieces, finish: plan.finish, signal })
    : await collectReply({ request, options, response, pieces, finish: plan.finish, signal });
  if (done) count(plan.finish === 'length' ? 'length' : 'stop');
}

async function* piecesOf(
  core: SimCore,
  count: number,
  signal: AbortSignal,
  at: (k: number) => Piece,
): AsyncGenerator<Piece> {
  for await (const k of core.steps(count, signal)) yield at(k);
}

interface Reply {
  readonly request: SimRequest;
  readonly options: SimOptions;
  readonly response: ServerResponse;
  readonly pieces: AsyncIterable<Piece>;
  readonly finish: string;
  readonly signal: AbortSignal;
}

async function collectReply({ request, options, response, pieces, finish, signal }: Reply): Promise<boolean> {
  const all: Piece[] = [];
  try {
    for await (const piece of pieces) all.push(piece);
  } catch (error) {
    if (error instanceof CoreDead) throw deadError();
    throw error;
  }
  if (signal.aborted) return false;
  sendJson(response, 200, wholeReply(request, options.servedName, all, finish));
  return true;
}

async function streamReply({ request, options, response, pieces, finish, signal }: Reply): Promise<boolean> {
  const shape = streamShape(request, options.servedName);
  const send = async (events: readonly unknown[]) => {
    for (const event of events) await sendEvent(response, JSON.stringify(event), signal);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.flushHeaders();
  let tokens = 0;
  let chunk: Piece[] = [];
  try {
    for await (const piece of pieces) {
      if (tokens === 0) await send(shape.opening());
      tokens += 1;
      chunk.push(piece);
      if (chunk.length < options.faults.tokensPerChunk) continue;
      await send(shape.events(chunk, tokens));
      chunk = [];
    }
  } catch (error) {
    if (!(error instanceof CoreDead)) throw error;
    // vLLM ends a failed stream with an error event and then [DONE], status 200.
    await send([deadError().body()]);
    response.end('data: [DONE]\n\n');
    return false;
  }
  if (signal.aborted) return false;
  await send([...(chunk.length > 0 ? shape.events(chunk, tokens) : []), ...shape.closing(finish, tokens)]);
  response.end('data: [DONE]\n\n');
  return true;
}
