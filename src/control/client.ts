import { request } from 'node:http';
import { StepError } from '../lib/index.ts';
import { readInstance } from './instance.ts';
import type { StatusReport } from './types.ts';

type Env = Readonly<Record<string, string | undefined>>;

export interface ControllerClient {
  status(): Promise<StatusReport>;
  localKey(): Promise<string | null>;
  restart(): Promise<void>;
  /** Resolves once everything is down. `drainMs` null: as the stack says. */
  down(drainMs: number | null): Promise<void>;
}

/** Asks over the socket; rejects with the controller's own error, or STEP_CONTROL_LOST when the line breaks. */
function ask(socket: string, method: string, path: string, timeoutMs: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const lost = (cause: unknown): void =>
      reject(
        new StepError('STEP_CONTROL_LOST', {
          verdict: 'the controller does not answer on its socket',
          reason: cause instanceof Error ? cause.message : String(cause),
          next: 'stepctl status',
          cause,
        }),
      );
    const sent = request({ socketPath: socket, method, path, timeout: timeoutMs }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', lost);
      response.on('end', () => {
        try {
          const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as { error?: RemoteError };
          if (body.error === undefined) resolve(body);
          else reject(refused(body.error));
        } catch (error) {
          lost(error);
        }
      });
    });
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('error', lost);
    sent.end();
  });
}

interface RemoteError {
  readonly code: string;
  readonly verdict: string;
  readonly reason?: string | null;
  readonly next?: string | null;
}

const refused = (error: RemoteError): StepError =>
  new StepError('STEP_CONTROL_REFUSED', {
    verdict: error.verdict,
    ...(error.reason == null ? {} : { reason: error.reason }),
    ...(error.next == null ? {} : { next: error.next }),
    details: { code: error.code },
  });

/** The running controller of an instance, or null when none runs. */
export async function findController(
  instance: string,
  env: Env = process.env,
): Promise<ControllerClient | null> {
  const found = await readInstance(instance, env);
  if (found === null || !found.alive) return null;
  const { socket } = found.record;
  return {
    status: () => ask(socket, 'GET', '/v1/status', 10_000) as Promise<StatusReport>,
    localKey: async () => ((await ask(socket, 'GET', '/v1/local-key', 10_000)) as { key: string | null }).key,
    restart: async () => void (await ask(socket, 'POST', '/v1/restart', 900_000)),
    down: async (drainMs) =>
      void (await ask(
        socket,
        'POST',
        drainMs === null ? '/v1/down' : `/v1/down?drainMs=${drainMs}`,
        900_000,
      )),
  };
}

/** As `findController`, for commands that cannot work without: throws STEP_CONTROL_NOT_UP. */
export async function needController(instance: string, env: Env = process.env): Promise<ControllerClient> {
  const client = await findController(instance, env);
  if (client !== null) return client;
  throw new StepError('STEP_CONTROL_NOT_UP', {
    verdict: `nothing is up as instance "${instance}"`,
    reason: 'no controller of that name runs on this machine',
    next: 'stepctl up -d',
  });
}
