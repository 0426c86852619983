import type { ReleaseFacts } from '../table/schema.ts';
import type { CompiledItem } from '../types.ts';

/** True when leaving the flag out comes to the same in this release. */
export function isDefault({ kind, name, value }: CompiledItem, facts: ReleaseFacts): boolean {
  if (kind === 'env') return false;
  const isNegated = name.startsWith('--no-');
  const row = facts.flags[isNegated ? name.replace('--no-', '--') : name];
  if (row?.default === undefined || row.default === null) return false;
  if (row.type === 'bool') return row.default === !isNegated;
  return value !== null && typeof row.default !== 'object' && String(row.default) === value;
}

/** Tells flags that ask for what the release does anyway from those that do something. Pure. */
export function dropDefaults(
  items: readonly CompiledItem[],
  facts: ReleaseFacts,
  version: string,
): { kept: CompiledItem[]; dropped: { name: string; because: string }[] } {
  const kept = items.filter((item) => !isDefault(item, facts));
  const dropped = items
    .filter((item) => isDefault(item, facts))
    .map(({ name, value, because }) => ({
      name: value === null ? name : `${name} ${value}`,
      because: `${because}; the default of vLLM ${version}`,
    }));
  return { kept, dropped };
}
