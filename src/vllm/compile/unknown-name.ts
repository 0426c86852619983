import { nearestName } from '../../lib/index.ts';
import type { ResolvedRelease } from '../releases.ts';
import { historyOf } from '../table/table.ts';
import { compareVersions, isWithin } from '../versions.ts';
import { successorOf } from './successors.ts';

/** Why a release does not know a name, and what to use in its place. */
export interface UnknownName {
  readonly reason: string;
  readonly next: string;
}

const everyName = (release: ResolvedRelease, kind: 'flags' | 'variables'): string[] =>
  kind === 'variables'
    ? Object.keys(release.facts.variables)
    : Object.entries(release.facts.flags).flatMap(([name, row]) =>
        row.type === 'bool' ? [name, name.replace('--', '--no-')] : [name],
      );

/** Tells of a flag (`--name`) or variable whether it is gone, not there yet, or nothing at all. Pure. */
export function explainUnknown(name: string, release: ResolvedRelease): UnknownName {
  const history = historyOf(name.replace(/^--no-/, '--'));
  const { version, asked } = release;
  const successor = successorOf(name.replace(/^--no-/, '--'));
  const instead = successor === null ? '' : `; in its place: ${successor}`;
  const isGone = history.until !== null && !isWithin(version, null, history.until);
  if (isGone) return { reason: `vLLM ${history.until} removed it${instead}`, next: `leave it out${instead}` };
  if (history.since !== null && compareVersions(history.since, version) > 0) {
    return {
      reason: `it came with vLLM ${history.since}; this stack runs ${asked}`,
      next: `leave it out, or set engine.vllm to ${history.since} or newer`,
    };
  }
  if (successor !== null)
    return { reason: `a release before 0.15.1 removed it${instead}`, next: `leave it out${instead}` };
  const near = nearestName(name, everyName(release, name.startsWith('--') ? 'flags' : 'variables'));
  return {
    reason: `no release from 0.15.1 on has it${near === null ? '' : `; the nearest name is ${near}`}`,
    next: near === null ? 'leave it out' : `write ${near}, or leave it out`,
  };
}
