import type { FlagRow, ReleaseFacts } from '../table/schema.ts';

/** One flag as a person gave it. */
export interface GivenArgument {
  /** As written, up to `=`. */
  readonly written: string;
  /** Name in the table; the written one, with dashes, where the release has none such. */
  readonly name: string;
  /** `--no-NAME` was written. */
  readonly isNegated: boolean;
  /** `--kernel-config.moe_backend`: the part after the name. */
  readonly path: string | null;
  /** null: unknown to the release. */
  readonly row: FlagRow | null;
  readonly values: readonly string[];
  /** Value came after `=`. */
  readonly isGlued: boolean;
  /** More flags begin like it: vLLM calls it ambiguous. */
  readonly candidates: readonly string[];
}

export interface ReadArguments {
  readonly given: readonly GivenArgument[];
  /** Values that belong to no flag. */
  readonly stray: readonly string[];
}

const isFlag = (text: string): boolean => text.startsWith('-') && text !== '-' && !/^-\d/.test(text);

interface Found {
  readonly name: string;
  readonly isNegated: boolean;
  readonly candidates: readonly string[];
}

/** Every way to write a flag → its name. */
const spellings = (flags: ReleaseFacts['flags']): Map<string, { name: string; isNegated: boolean }> => {
  const all = new Map<string, { name: string; isNegated: boolean }>();
  for (const [name, row] of Object.entries(flags)) {
    for (const one of [name, ...(row.aliases ?? [])]) all.set(one, { name, isNegated: false });
    if (row.type === 'bool') all.set(name.replace('--', '--no-'), { name, isNegated: true });
  }
  return all;
};

/** As Python's argparse finds an option: the exact name, else the one name that begins like it. */
const findFlag = (written: string, known: ReturnType<typeof spellings>): Found | null => {
  const exact = known.get(written);
  if (exact !== undefined) return { ...exact, candidates: [] };
  if (!written.startsWith('--')) return null;
  const begun = [...known].filter(([name]) => name.startsWith(written));
  const [only] = begun;
  if (only === undefined) return null;
  return begun.length === 1
    ? { ...only[1], candidates: [] }
    : { name: written, isNegated: false, candidates: begun.map(([name]) => name) };
};

/** `--max_model_len=4096`, `-O3`, `--kernel-config.moe_backend` taken apart as vLLM's parser does before it looks them up. */
const takeApart = (arg: string): { head: string; path: string | null; glued: string | null } => {
  if (/^-O./.test(arg))
    return { head: '--optimization-level', path: null, glued: arg.slice(arg[2] === '=' ? 3 : 2) };
  const at = arg.indexOf('=');
  const written = at < 0 ? arg : arg.slice(0, at);
  const glued = at < 0 ? null : arg.slice(at + 1);
  if (!written.startsWith('--')) return { head: written, path: null, glued };
  const dot = written.indexOf('.');
  const head = (dot < 0 ? written : written.slice(0, dot)).replaceAll('_', '-');
  return { head, path: dot < 0 ? null : written.slice(dot + 1), glued };
};

const capacity = (row: FlagRow | null, path: string | null): number => {
  if (path !== null) return 1;
  if (row === null) return Number.POSITIVE_INFINITY;
  if (row.type === 'bool' || row.type === 'switch') return 0;
  if (row.many === '+') return Number.POSITIVE_INFINITY;
  return row.many === '?' || row.many === undefined ? 1 : row.many;
};

/** Reads arguments for `vllm serve` as the release's own parser would. Pure; refuses nothing. */
export function readArguments(args: readonly string[], facts: ReleaseFacts): ReadArguments {
  const known = spellings(facts.flags);
  const given: GivenArgument[] = [];
  const stray: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? '';
    if (!isFlag(arg)) {
      stray.push(arg);
      continue;
    }
    const { head, path, glued } = takeApart(arg === '-O' ? '--optimization-level' : arg);
    const found = findFlag(head, known);
    const row = found === null ? null : (facts.flags[found.name] ?? null);
    const values: string[] = glued === null ? [] : [glued];
    const room = glued === null ? capacity(row, path) : 0;
    while (values.length < room && at + 1 < args.length && !isFlag(args[at + 1] ?? '')) {
      at += 1;
      values.push(args[at] ?? '');
    }
    given.push({
      written: glued === null ? arg : arg.slice(0, arg.length - glued.length).replace(/=$/, ''),
      name: found?.name ?? head,
      isNegated: found?.isNegated ?? false,
      path,
      row,
      values,
      isGlued: glued !== null,
      candidates: found?.candidates ?? [],
    });
  }
  return { given, stray };
}
