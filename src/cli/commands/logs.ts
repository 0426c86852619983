import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';

export const logsCommand: CommandSpec = {
  name: 'logs',
  summary: 'the log of the engine, the proxy, the supervisor or the controller',
  args: [{ name: '[source]', description: 'engine (default), proxy, supervisor or controller' }],
  options: [
    { flags: '-f, --follow', description: 'go on as lines come' },
    { flags: '--previous', description: 'the engine start before the newest' },
    { flags: '-n, --lines <count>', description: 'how many of the last lines', default: '200' },
  ],
  examples: [
    'stepctl logs',
    'stepctl logs engine --follow',
    'stepctl logs --previous',
    'stepctl logs supervisor -n 20',
  ],
  run: async (context, args, options) => {
    const { pickLogFile, printTail, followFile } = await import('../log-files.ts');
    const lines = Number(options['lines']);
    if (!Number.isInteger(lines) || lines < 0) {
      throw new StepError('STEP_USAGE', {
        verdict: `-n takes a whole number, got "${String(options['lines'])}"`,
        next: 'stepctl logs -n 50',
      });
    }
    const file = await pickLogFile(context, args[0] ?? 'engine', options['previous'] === true);
    const end = await printTail(context, file, lines);
    if (options['follow'] === true) await followFile(context, file, end);
  },
};
