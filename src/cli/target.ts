import { needController } from '../control/index.ts';
import { StepError } from '../lib/index.ts';
import type { Context, Options } from './context.ts';

/** Where a client command sends its requests, and with which key. */
export interface Target {
  /** Without `/v1`. */
  readonly url: string;
  readonly model: string;
  readonly key: string | null;
  /** Checkpoint folder behind it, where this machine's controller knows it. */
  readonly modelPath: string | null;
  /** Requests the proxy holds open right now, as the controller tells. */
  readonly inFlight: (() => Promise<number>) | null;
}

/**
 * The running stack of this instance, or `--url` with `--model` for any OpenAI-compatible server. The key is taken from
 * `STEPCTL_API_KEY`, and for the user's own controller from its socket; never from argv, which other users can read.
 */
export async function findTarget(context: Context, options: Options): Promise<Target> {
  const given = options['url'] as string | undefined;
  const model = options['model'] as string | undefined;
  const key = context.env['STEPCTL_API_KEY'] ?? null;
  if (given !== undefined) {
    if (model !== undefined)
      return { url: given.replace(/\/v1\/?$/, ''), model, key, modelPath: null, inFlight: null };
    throw new StepError('STEP_USAGE', {
      verdict: '--url needs --model',
      reason: 'a foreign server may serve several models',
      next: `add --model NAME (see ${given}/v1/models)`,
    });
  }
  const client = await needController(context.instance, context.env);
  const report = await client.status();
  if (report.proxy.url === null) {
    throw new StepError('STEP_CONTROL_NOT_UP', {
      verdict: 'the proxy does not listen yet',
      reason: `the controller is at stage "${report.stage}"`,
      next: 'stepctl status --watch',
    });
  }
  return {
    url: report.proxy.url,
    model: model ?? report.proxy.servedName,
    key: key ?? (await client.localKey()),
    modelPath: report.model.path,
    inFlight: async () => (await client.status()).proxy.inFlight,
  };
}

export const targetOptions = [
  {
    flags: '--url <url>',
    description: 'another OpenAI-compatible server instead of this stack; its key in STEPCTL_API_KEY',
  },
  { flags: '--model <name>', description: 'model name to ask for' },
] as const;
