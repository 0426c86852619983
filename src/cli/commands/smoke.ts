import type { CommandSpec } from '../context.ts';
import { findTarget, targetOptions } from '../target.ts';

export const smokeCommand: CommandSpec = {
  name: 'smoke',
  summary:
    'prove that the running stack works: protocol, keys, parsers, abort, known truth; exit 11 when a check fails',
  options: [
    { flags: '--no-reasoning', description: 'the model has no reasoning parser' },
    { flags: '--no-tools', description: 'the model has no tool parser' },
    ...targetOptions,
  ],
  examples: [
    'stepctl smoke',
    'stepctl smoke --json | jq .counts',
    'stepctl up -d --profile tiny-cpu && stepctl smoke',
  ],
  run: async (context, _args, options) => {
    const { renderSmoke, runSmoke } = await import('../../smoke/index.ts');
    const { readCheckpointScript } = await import('../../lib/index.ts');
    const target = await findTarget(context, options);
    const result = await runSmoke(
      {
        baseUrl: target.url,
        apiKey: target.key,
        model: target.model,
        script: target.modelPath === null ? null : await readCheckpointScript(target.modelPath),
        running: target.inFlight,
        features: { reasoning: options['reasoning'] !== false, tools: options['tools'] !== false },
        isFrontDoor: options['url'] === undefined,
      },
      context.reporter,
      context.signal,
    );
    if (context.json) context.out.json(result);
    else context.out.line(renderSmoke(result));
    if (result.isInterrupted) return 130;
    return { pass: 0, fail: 11, inconclusive: 3 }[result.verdict];
  },
};
