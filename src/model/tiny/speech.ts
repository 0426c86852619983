import { architecture, hiddenSize, lanes, voices } from './architecture.ts';
import { type Code, createCodeBook, createRandom } from './codes.ts';
import { ordinary, type ScriptPlan, type Transition } from './plan.ts';
import { alarms, blockAlarm, scriptTexts } from './texts.ts';
import type { ScriptName, Vocabulary } from './vocabulary.ts';

/** The language of the hidden state: one code per token, per answer and per script, none overlapping another. */
export interface Speech {
  tokenCode(from: Transition['from']): Code;
  nextCode(id: number): Code;
  modeCode(mode: ScriptName): Code;
  constant: Code;
  /** Alarms that blocks hand on, in the order in which the blocks run. */
  chain: readonly Code[];
  /** Ids that have a next code, which are the rows of the head that are not zero. */
  answers: readonly number[];
  /** Ids with a token code of their own. */
  states: readonly number[];
}

export function createSpeech(vocabulary: Vocabulary, plan: ScriptPlan, seed: number): Speech {
  const random = createRandom(seed);
  const tokenBook = createCodeBook(lanes.token.width, random);
  const nextBook = createCodeBook(lanes.next.width, random);
  const modeBook = createCodeBook(lanes.mode.width, random);
  const constant = takeCode(createCodeBook(lanes.constant.width, random), 0);

  const froms = [...new Set(plan.transitions.map(({ from }) => from))];
  const chainIds = architecture.layerTypes.flatMap((_, layer) => [
    vocabulary.idOf(blockAlarm('attention', layer)),
    vocabulary.idOf(blockAlarm('mlp', layer)),
  ]);
  const answers = [
    ...new Set([
      ...plan.transitions.map(({ next }) => next),
      ...Object.values(alarms).map(vocabulary.idOf),
      ...chainIds,
    ]),
  ];
  const nextCode = (id: number): Code => takeCode(nextBook, answers.indexOf(id));
  const ordinaryIndex = froms.indexOf(ordinary);
  return {
    tokenCode: (from) => {
      const index = froms.indexOf(from);
      return takeCode(tokenBook, index === -1 ? ordinaryIndex : index);
    },
    nextCode,
    modeCode: (mode) =>
      takeCode(
        modeBook,
        scriptTexts.findIndex(({ name }) => name === mode),
      ),
    constant,
    chain: chainIds.map(nextCode),
    answers,
    states: froms.filter((from) => from !== ordinary),
  };
}

/** Size of one lane entry after RMSNorm, in front of a block of this layer, for a token whose step is still to come. */
export function normalisedUnit(block: 'attention' | 'mlp', layer: number): number {
  const hasMode = layer > 0 || block === 'mlp';
  const energy =
    lanes.token.width +
    lanes.constant.width +
    (hasMode ? lanes.mode.width : 0) +
    lanes.next.width * (voices.chain ** 2 + voices.missing ** 2);
  return 1 / Math.sqrt(energy / hiddenSize);
}

function takeCode(book: readonly Code[], index: number): Code {
  const code = book[index];
  if (code === undefined) throw new Error(`the tiny model has no code ${index}: too many tokens`);
  return code;
}
