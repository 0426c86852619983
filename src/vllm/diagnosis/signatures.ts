import { fileSignatures } from '../signatures/files.ts';
import { hostSignatures } from '../signatures/host.ts';
import { kernelSignatures } from '../signatures/kernels.ts';
import { memorySignatures } from '../signatures/memory.ts';
import { requestSignatures } from '../signatures/requests.ts';
import { servingSignatures } from '../signatures/serving.ts';
import { settingSignatures } from '../signatures/settings.ts';
import type { Signature } from '../signatures/signature.ts';
import { isQuiet, isWrapper } from './line.ts';

/** Order matters only where one line matches two: the special one comes first. */
export const signatures: readonly Signature[] = [
  ...settingSignatures,
  ...servingSignatures,
  ...kernelSignatures,
  ...memorySignatures,
  ...fileSignatures,
  ...hostSignatures,
  ...requestSignatures,
];

export interface Hit {
  readonly signature: Signature;
  readonly match: RegExpExecArray;
  readonly line: string;
}

/** One pattern out of all, to pass a line over in one look. */
const union = (all: readonly Signature[]): RegExp =>
  new RegExp(
    all.map(({ pattern }) => `(?:${pattern.source.replaceAll(/\(\?<\w+>/g, '(?:')})`).join('|'),
    'i',
  );

const inErrors = union(signatures);
const inQuiet = union(signatures.filter(({ inWarnings }) => inWarnings === true));

/** Every signature that a cleaned line shows, in the order of the table. Wrappers show none. Pure. */
export function hitsOf(line: string): Hit[] {
  const silent = isQuiet(line);
  if (line === '' || !(silent ? inQuiet : inErrors).test(line) || isWrapper(line)) return [];
  return signatures.flatMap((signature) => {
    if (silent && signature.inWarnings !== true) return [];
    const match = signature.pattern.exec(line);
    return match === null ? [] : [{ signature, match, line }];
  });
}
