import {
  type Advisory,
  advisoriesDate,
  advisoriesFor,
  nearestRelease,
  unfixedAdvisories,
} from '../../vllm/index.ts';
import { type Check, fail, pass, skipped, type Verdict, warn } from '../types.ts';

const ids = (advisories: readonly Advisory[]): string => advisories.map(({ id }) => id).join(', ');

const covers = (advisories: readonly Advisory[]): string => {
  const by = (who: Advisory['by']): Advisory[] => advisories.filter((one) => one.by === who);
  const parts = [
    { what: "the proxy's policy covers", rows: by('proxy') },
    { what: 'only keys with the scope advanced reach', rows: by('scope') },
    { what: 'how stepctl starts it covers', rows: by('setup') },
  ];
  return parts
    .filter(({ rows }) => rows.length > 0)
    .map(({ what, rows }) => `${what} ${ids(rows)}`)
    .join('; ');
};

/** Decides on what is open: a critical hole that nothing covers blocks, another that nothing covers is told. Pure. */
export function judgeAdvisories(
  version: string,
  open: readonly Advisory[],
  unfixed: readonly Advisory[],
): Verdict {
  const table = `(table of ${advisoriesDate})`;
  const always =
    unfixed.length === 0
      ? ''
      : `; without a range on record: ${ids(unfixed)}, each covered by the proxy's policy`;
  if (open.length === 0) return pass(`none known for ${version}${always} ${table}`);
  const critical = open.filter(({ severity }) => severity === 'critical').length;
  const seen = `${version} has ${open.length} open, ${critical} of them critical; ${covers(open)}`;
  const bare = open.filter(({ cover }) => cover === null);
  if (bare.length === 0) return pass(`${seen}${always} ${table}`);
  const text = `${seen}; nothing covers ${ids(bare)}${always} ${table}`;
  const advice = 'set engine.vllm=0.32.0 where the patch of an old release is not what you test';
  return bare.some(({ severity }) => severity === 'critical') ? fail(text, advice) : warn(text, advice);
}

/** Open advisories of the pinned release, against a dated table. */
export const advisoriesCheck: Check = {
  id: 'advisories',
  title: 'vLLM advisories',
  run: async ({ stack }) => {
    const { driver, vllm } = stack.engine;
    if (driver === 'sim') return skipped('the simulator is no vLLM');
    if (nearestRelease(vllm) === null)
      return fail(`vLLM ${vllm} does not know the architecture`, 'set engine.vllm to 0.16.0 or newer');
    return judgeAdvisories(vllm, advisoriesFor(vllm), unfixedAdvisories());
  },
};
