import type { ControllerClient } from '../control/index.ts';
import { StepError, systemClock } from '../lib/index.ts';
import type { Context } from './context.ts';

/** Polls the controller until an engine of a later start than `after` is ready; throws when it gave up. */
export async function waitUntilReady(
  context: Context,
  client: ControllerClient,
  after: number,
): Promise<void> {
  for (;;) {
    const report = await client.status();
    const engine = report.engine.snapshot;
    if (engine !== null && engine.state === 'ready' && engine.incarnation > after) return;
    if (engine?.state === 'given-up') {
      throw new StepError('STEP_CONTROL_REFUSED', {
        verdict: 'the engine did not come back',
        reason: engine.diagnosis?.cause ?? 'no cause known',
        next: engine.diagnosis?.advice ?? 'stepctl logs engine',
      });
    }
    context.out.live(
      `engine    ${engine?.state ?? report.stage}${engine?.phase == null ? '' : ` ${engine.phase}`}`,
    );
    await systemClock.sleep(200, context.signal);
  }
}
