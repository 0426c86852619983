import { Command, Option } from 'commander';
import { allCommands } from './commands/index.ts';
import type { CommandSpec, Context, OptionSpec } from './context.ts';
import { readVersion } from './version.ts';

interface Hooks {
  makeContext(command: Command, streams: boolean): Context;
  setExitCode(code: number): void;
}

const stackOptions: readonly OptionSpec[] = [
  { flags: '-p, --profile <name>', description: 'stack to start from (stepctl config profiles)' },
  { flags: '-f, --file <path>', description: 'stack file; stepctl.yaml of this folder when there is one' },
  {
    flags: '--set <key=value>',
    description: 'one value of the stack, e.g. --set serve.maxModelLen=65536',
    many: true,
  },
  {
    flags: '--engine <driver>',
    description: 'docker, process, sim or external: short for --set engine.driver=…',
  },
  { flags: '--listen <host:port>', description: 'address of the front door: short for --set proxy.listen=…' },
];

const gather = (value: string, before: unknown): string[] => [
  ...(Array.isArray(before) ? (before as string[]) : []),
  value,
];

function addOption(command: Command, spec: OptionSpec): void {
  const option = new Option(spec.flags, spec.description);
  if (spec.many === true) option.argParser(gather);
  if (spec.default !== undefined) option.default(spec.default);
  if (spec.hidden === true) option.hideHelp();
  command.addOption(option);
}

/** Finds or makes the parent of `patch apply`, so that groups need no entry of their own. */
function parentOf(
  program: Command,
  words: readonly string[],
  groups: Readonly<Record<string, string>>,
): Command {
  let parent = program;
  for (const word of words) {
    let next = parent.commands.find((command) => command.name() === word);
    if (next === undefined) {
      next = parent.command(word).description(groups[word] ?? '');
      settle(next);
    }
    parent = next;
  }
  return parent;
}

/** commander must throw instead of exiting, and leave the printing of errors to run.ts. */
function settle(command: Command): Command {
  return command
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .showSuggestionAfterError(true)
    .helpCommand(false);
}

function addCommand(
  program: Command,
  spec: CommandSpec,
  hooks: Hooks,
  groups: Readonly<Record<string, string>>,
): void {
  const words = spec.name.split(' ');
  const parent = parentOf(program, words.slice(0, -1), groups);
  const last = words.at(-1) ?? '';
  const existing = parent.commands.find((command) => command.name() === last);
  const command = settle(existing ?? parent.command(last)).description(spec.summary);
  for (const argument of spec.args ?? []) command.argument(argument.name, argument.description);
  for (const option of [...(spec.options ?? []), ...(spec.readsStack === true ? stackOptions : [])])
    addOption(command, option);
  command.option('--instance <name>', 'which stack on this machine', 'default');
  command.option('--json', 'machine-readable output (NDJSON where it streams)');
  command.addHelpText(
    'after',
    `\nExamples:\n${spec.examples.map((example) => `  $ ${example}`).join('\n')}\n`,
  );
  if (spec.passesThrough === true) command.allowExcessArguments(true);
  command.action(async (...received: unknown[]) => {
    const { given, extra } = splitExtra(command, spec);
    const code = await spec.run(
      hooks.makeContext(command, spec.streams === true),
      given,
      received.at(-2) as Record<string, unknown>,
      extra,
    );
    hooks.setExitCode(code ?? 0);
  });
}

/** Arguments of the command, and those after `--` where it passes them on. */
function splitExtra(command: Command, spec: CommandSpec): { given: string[]; extra: string[] } {
  const named = (spec.args ?? []).length;
  const all = command.args;
  if (spec.passesThrough !== true) return { given: all, extra: [] };
  return { given: all.slice(0, named), extra: all.slice(named) };
}

const groups: Readonly<Record<string, string>> = {
  patch: 'the patches of vLLM: list, status, diff, apply, verify, add',
  model: 'checkpoints: make the scripted tiny one',
  config: 'the stack file: show, check, schema, profiles',
  keys: 'keys for the proxy: create, list, revoke',
};

/** The whole command line as a commander program that throws instead of exiting. */
export async function buildProgram(hooks: Hooks): Promise<Command> {
  const program = settle(new Command('stepctl'))
    .description(
      'Builds a patched vLLM, proves what is in it, serves a model on it, keeps it running, with a proxy in front.',
    )
    .version(readVersion(), '-V, --version')
    .addHelpText(
      'after',
      '\nStart here:\n  $ stepctl doctor          # what this machine can do\n  $ stepctl up              # bring everything up\n  $ stepctl chat "Hello"    # talk to it\n  $ stepctl down            # stop\n',
    );
  for (const spec of allCommands) addCommand(program, spec, hooks, groups);
  return program;
}
