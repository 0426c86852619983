import type { CommandSpec } from './context.ts';

const common = ['--help', '--json', '--instance'];
const stack = ['--profile', '--file', '--set', '--engine', '--listen'];

/** `--follow` of `-f, --follow <x>`. */
const longFlag = (flags: string): string => /--[a-z-]+/.exec(flags)?.[0] ?? '';

const flagsOf = (spec: CommandSpec): string[] => [
  ...(spec.options ?? []).filter((option) => option.hidden !== true).map((option) => longFlag(option.flags)),
  ...(spec.readsStack === true ? stack : []),
  ...common,
];

function words(commands: readonly CommandSpec[]): {
  first: string[];
  second: Map<string, string[]>;
  flags: Map<string, string[]>;
} {
  const second = new Map<string, string[]>();
  const first = new Set<string>();
  const flags = new Map<string, string[]>();
  for (const spec of commands) {
    const [head = '', tail] = spec.name.split(' ');
    first.add(head);
    if (tail !== undefined) second.set(head, [...(second.get(head) ?? []), tail]);
    flags.set(spec.name, flagsOf(spec));
  }
  return { first: [...first], second, flags };
}

/** A static completion script made from the command table; null for a shell it does not know. Pure. */
export function renderCompletion(shell: string, commands: readonly CommandSpec[]): string | null {
  if (shell === 'bash') return bash(commands);
  if (shell === 'zsh') return `autoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
  if (shell === 'fish') return fish(commands);
  return null;
}

function bash(commands: readonly CommandSpec[]): string {
  const { first, second, flags } = words(commands);
  const groups = [...second].map(
    ([head, tails]) => `    ${head}) [ "$COMP_CWORD" -eq 2 ] && list="${tails.join(' ')}" ;;`,
  );
  const options = [...flags].map(([name, list]) => `    "${name}") list="${list.join(' ')}" ;;`);
  return `# stepctl completion for bash
_stepctl() {
  local current="\${COMP_WORDS[COMP_CWORD]}" list=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${first.join(' ')} --help --version" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${groups.join('\n')}
  esac
  if [ -z "$list" ]; then
    local name="\${COMP_WORDS[1]}"
    case " ${[...second.keys()].join(' ')} " in *" $name "*) name="$name \${COMP_WORDS[2]}" ;; esac
    case "$name" in
${options.join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$list" -- "$current"))
}
complete -o default -F _stepctl stepctl
`;
}

function fish(commands: readonly CommandSpec[]): string {
  const { first, second } = words(commands);
  const summaries = new Map(commands.map((spec) => [spec.name, spec.summary]));
  const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const lines = first.map(
    (name) =>
      `complete -c stepctl -f -n __fish_use_subcommand -a ${name} -d ${quote(summaries.get(name) ?? 'group of commands')}`,
  );
  for (const [head, tails] of second) {
    for (const tail of tails) {
      lines.push(
        `complete -c stepctl -f -n '__fish_seen_subcommand_from ${head}' -a ${tail} -d ${quote(summaries.get(`${head} ${tail}`) ?? '')}`,
      );
    }
  }
  for (const spec of commands) {
    const last = spec.name.split(' ').at(-1) ?? '';
    for (const flag of flagsOf(spec))
      lines.push(`complete -c stepctl -n '__fish_seen_subcommand_from ${last}' -l ${flag.slice(2)}`);
  }
  return `# stepctl completion for fish\n${lines.join('\n')}\n`;
}
