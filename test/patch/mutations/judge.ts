import { join } from 'node:path';
import { execa } from 'execa';
import type { Case } from './corpus.ts';

export interface Verdict {
  readonly id: string;
  /** The mutated source is Python: else the case says nothing. */
  readonly compiles: boolean;
  /** For each tool that gave a file: null where it is right, else what is wrong with it. */
  readonly wrong: Readonly<Record<string, string | null>>;
}

/** Judges every file that came out, in one Python process. */
export async function judgeAll(
  cases: readonly Case[],
  results: ReadonlyMap<string, Readonly<Record<string, string>>>,
): Promise<ReadonlyMap<string, Verdict>> {
  const input = cases.map((one) => ({
    id: one.id,
    key: one.source.key,
    source: one.text,
    names: one.names ?? {},
    renames: one.renames ?? {},
    results: results.get(one.id) ?? {},
  }));
  const { stdout } = await execa('python3', [join(import.meta.dirname, 'judge.py')], {
    input: JSON.stringify(input),
    maxBuffer: 64 * 1024 * 1024,
  });
  const verdicts = JSON.parse(stdout) as Verdict[];
  return new Map(verdicts.map((verdict) => [verdict.id, verdict]));
}
