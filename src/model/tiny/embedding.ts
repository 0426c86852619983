import { hiddenSize, lanes, voices } from './architecture.ts';
import { addToRow, createMatrix, type Matrix } from './matrix.ts';
import type { Speech } from './speech.ts';
import { alarms, blockAlarm, endOfTurn } from './texts.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Louder than any fault, so that an answer that went wrong ends instead of crying alarm for ever. */
const endAfterAlarm = 12;

/** Each token says which it is, the constant, that no expert answered yet, and the first alarm of the chain. */
export function buildEmbedding(vocabulary: Vocabulary, speech: Speech): Matrix {
  const matrix = createMatrix(vocabulary.tokens.length, hiddenSize);
  const firstAlarm = speech.chain[0];
  const missing = speech.nextCode(vocabulary.idOf(alarms.missing));
  const end = speech.nextCode(vocabulary.idOf(endOfTurn));
  const alarmIds = findAlarms(vocabulary);
  vocabulary.tokens.forEach((_, id) => {
    addToRow(matrix, id, lanes.token.start, speech.tokenCode(id), 1);
    addToRow(matrix, id, lanes.constant.start, speech.constant, 1);
    if (firstAlarm) addToRow(matrix, id, lanes.next.start, firstAlarm, voices.chain);
    addToRow(matrix, id, lanes.next.start, missing, voices.missing);
    if (alarmIds.has(id)) addToRow(matrix, id, lanes.next.start, end, endAfterAlarm);
  });
  return matrix;
}

/** The head listens to the `next` lane only. */
export function buildHead(vocabulary: Vocabulary, speech: Speech): Matrix {
  const matrix = createMatrix(vocabulary.tokens.length, hiddenSize);
  for (const id of speech.answers) addToRow(matrix, id, lanes.next.start, speech.nextCode(id), 1);
  return matrix;
}

function findAlarms(vocabulary: Vocabulary): Set<number> {
  const chain = [0, 1, 2, 3].flatMap((layer) => [blockAlarm('attention', layer), blockAlarm('mlp', layer)]);
  return new Set([...Object.values(alarms), ...chain].map(vocabulary.idOf));
}
