import { rows } from './anchors.ts';
import {
  addDecorators,
  insertLines,
  moveDefinitions,
  type Mutated,
  type Mutation,
  reformat,
  renameNeighbours,
} from './layout.ts';
import { makeRandom } from './random.ts';
import type { Source } from './source.ts';

export const kinds = [
  'lines inserted',
  'definitions moved',
  'neighbours renamed',
  'decorators added',
  'reformatted',
  'half there already',
  'anchor gone',
  'anchor twice',
] as const;
export type Kind = (typeof kinds)[number];

export interface Case extends Mutated {
  readonly id: string;
  readonly kind: Kind;
  readonly source: Source;
}

const chosen: readonly (readonly [Kind, Mutation, number])[] = [
  ['lines inserted', insertLines, 5],
  ['definitions moved', moveDefinitions, 4],
  ['neighbours renamed', renameNeighbours, 6],
  ['decorators added', addDecorators, 3],
  ['reformatted', reformat, 7],
];

/** The corpus of one module: the same for the same seed. */
export function casesOf(source: Source, seed: number): Case[] {
  const made: [Kind, Mutation][] = chosen.flatMap(([kind, mutation, count]) =>
    Array.from({ length: count }, (): [Kind, Mutation] => [kind, mutation]),
  );
  for (const mutation of rows('half', source.key)) made.push(['half there already', mutation]);
  for (const mutation of rows('gone', source.key)) made.push(['anchor gone', mutation]);
  for (const mutation of rows('twice', source.key)) made.push(['anchor twice', mutation]);
  return made.map(([kind, mutation], index) => {
    const random = makeRandom(seed + index * 7919);
    const mutated = mutation(source, random);
    return {
      ...mutated,
      id: `${source.version} ${source.key} ${index} ${kind}: ${mutated.what}`,
      kind,
      source,
    };
  });
}
