import { nearestName } from '../../lib/index.ts';
import type { FlagRow } from '../table/schema.ts';
import type { GivenArgument } from './read-arguments.ts';

const numbers: Readonly<Record<string, RegExp>> = {
  // Some take 1k or 2M, --max-model-len takes auto: told apart only by the parser itself.
  int: /^-?\d+(?:\.\d+)?[kmgt]?$|^auto$|^None$|^$/i,
  float: /^-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$|^None$|^$|^-?inf$/i,
};

const fold = (text: string): string => text.toLowerCase().replaceAll('-', '_');

const wrongChoice = (value: string, row: FlagRow): string | null => {
  const choices = (row.choices ?? []).map(String);
  const seen = row.folds === true ? fold(value) : value;
  if (choices.length === 0 || choices.includes(seen)) return null;
  const near = nearestName(value, choices);
  return `${value} is not one of ${choices.join(', ')}${near === null ? '' : `; the nearest is ${near}`}`;
};

/** Why vLLM's parser will refuse the values of this flag; null where nothing is known against them. Pure. */
export function findWrongValue(argument: GivenArgument): string | null {
  const { row, values, path, written, isGlued } = argument;
  if (row === null || path !== null) return null;
  if (row.type === 'bool' || row.type === 'switch') return isGlued ? `${written} takes no value` : null;
  if (values.length === 0) return row.many === '?' ? null : `${written} needs a value`;
  if (typeof row.many === 'number' && values.length !== row.many)
    return `${written} needs ${row.many} values`;
  for (const value of values) {
    const wrong = wrongChoice(value, row);
    if (wrong !== null) return wrong;
    const form = numbers[row.type];
    if (form !== undefined && row.choices === undefined && !form.test(value))
      return `${value} is no ${row.type === 'int' ? 'whole number' : 'number'}`;
  }
  return null;
}
