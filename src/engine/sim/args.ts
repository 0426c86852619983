import { readFaults, type SimFaults } from './faults.ts';

/** What the simulator takes from a `vllm serve` command line; flags it has no use for are read and ignored. */
export interface SimOptions {
  readonly modelDir: string;
  readonly servedName: string;
  readonly listen:
    | { readonly kind: 'unix'; readonly path: string }
    | { readonly kind: 'tcp'; readonly host: string; readonly port: number };
  readonly maxModelLen: number;
  readonly hasReasoningParser: boolean;
  readonly hasToolParser: boolean;
  readonly isDummyLoad: boolean;
  readonly faults: SimFaults;
}

interface Split {
  readonly positional: readonly string[];
  readonly flags: ReadonlyMap<string, string | true>;
  readonly sim: ReadonlyMap<string, string | true>;
}

/** Lenient: `--name value`, `--name=value` and `--name`; the last one wins, as with argparse. */
function splitArgs(argv: readonly string[]): Split {
  const positional: string[] = [];
  const flags = new Map<string, string | true>();
  const sim = new Map<string, string | true>();
  for (let index = 0; index < argv.length; index += 1) {
    const arg = argv[index] ?? '';
    if (!arg.startsWith('--')) {
      positional.push(arg);
      continue;
    }
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const next = argv[index + 1];
    let value: string | true = true;
    if (inline !== undefined) value = inline;
    else if (next !== undefined && !next.startsWith('--')) {
      value = next;
      index += 1;
    }
    if (name.startsWith('sim-')) sim.set(name.slice(4), value);
    else flags.set(name, value);
  }
  return { positional, flags, sim };
}

/** Throws a plain Error with argparse's kind of message. */
export function parseArgs(argv: readonly string[]): SimOptions {
  const { positional, flags, sim } = splitArgs(argv);
  const text = (name: string): string | null => {
    const value = flags.get(name);
    return typeof value === 'string' ? value : null;
  };
  const modelDir = text('model') ?? positional[1] ?? '';
  if (positional[0] !== 'serve' || modelDir === '')
    throw new Error('the following arguments are required: serve MODEL');
  const uds = text('uds');
  return {
    modelDir,
    servedName: text('served-model-name') ?? modelDir,
    listen:
      uds === null
        ? { kind: 'tcp', host: text('host') ?? '0.0.0.0', port: Number(text('port') ?? 8000) }
        : { kind: 'unix', path: uds },
    maxModelLen: Number(text('max-model-len')) || 4096,
    hasReasoningParser: flags.has('reasoning-parser'),
    hasToolParser: flags.has('tool-call-parser'),
    isDummyLoad: text('load-format') === 'dummy',
    faults: readFaults(sim),
  };
}
