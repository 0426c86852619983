import { type Command, CommanderError } from 'commander';
import { StepError, toStepError } from '../lib/index.ts';
import type { Context } from './context.ts';
import { createOutput } from './output.ts';
import { buildProgram } from './program.ts';
import { jsonReporter, textReporter } from './progress.ts';

/** Runs one command line; returns the exit code. Prints every failure in one place and one form. */
export async function runCli(entry: string, argv: readonly string[]): Promise<number> {
  const json = jsonWanted(argv);
  const out = createOutput({ stdout: process.stdout, stderr: process.stderr, env: process.env, json });
  const debug = (process.env['STEPCTL_DEBUG'] ?? '') !== '';
  const signals = watchSignals();
  let code = 0;
  const makeContext = (command: Command, streams: boolean): Context => ({
    out,
    reporter: json && streams ? jsonReporter(out) : textReporter(out),
    env: process.env,
    cwd: process.cwd(),
    self: [entry, ...argv],
    json,
    instance: (command.opts()['instance'] as string | undefined) ?? 'default',
    signal: signals.first.signal,
    hurry: signals.second.signal,
  });
  process.stdout.on('error', ignoreBrokenPipe);
  try {
    const program = await buildProgram({ makeContext, setExitCode: (value) => (code = value) });
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    code = report(error, out, debug, signals.first.signal);
  } finally {
    signals.stop();
    await out.flush();
  }
  return code;
}

/** `--json` decides the form of errors too, so it is looked for before parsing can fail. */
const jsonWanted = (argv: readonly string[]): boolean => {
  const end = argv.indexOf('--');
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json');
};

/** A reader such as `head` that goes away ends the output, not the world. */
const ignoreBrokenPipe = (error: NodeJS.ErrnoException): void => {
  if (error.code !== 'EPIPE') throw error;
};

function report(
  error: unknown,
  out: ReturnType<typeof createOutput>,
  debug: boolean,
  interrupted: AbortSignal,
): number {
  if (error instanceof CommanderError) return commanderCode(error, out);
  const failure =
    interrupted.aborted && !(error instanceof StepError)
      ? new StepError('STEP_INTERRUPTED', { verdict: 'interrupted', cause: error })
      : toStepError(error);
  out.error(failure, debug);
  return failure.exitCode;
}

/** Help and version are no failures; the rest is usage, already told by commander unless JSON was asked for. */
function commanderCode(error: CommanderError, out: ReturnType<typeof createOutput>): number {
  if (error.exitCode === 0) return 0;
  // A group without its second word: commander has printed the group's help.
  if (error.code === 'commander.help') return 64;
  const usage = new StepError('STEP_USAGE', {
    verdict: error.message.replace(/^error: /, ''),
    next: 'stepctl --help, or stepctl COMMAND --help',
  });
  out.error(usage, false);
  return usage.exitCode;
}

function watchSignals(): { first: AbortController; second: AbortController; stop(): void } {
  const first = new AbortController();
  const second = new AbortController();
  const onSignal = (): void => {
    if (first.signal.aborted) second.abort();
    else first.abort(new StepError('STEP_INTERRUPTED', { verdict: 'interrupted' }));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return {
    first,
    second,
    stop: () => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, onSignal);
    },
  };
}
