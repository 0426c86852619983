import { jsonAnswer, type LocalAnswer } from './health.ts';

export interface ModelFacts {
  readonly servedName: string;
  readonly maxModelLen: number | null;
  /** Seconds since the epoch, as the API has it. */
  readonly createdAt: number;
}

const describeModel = ({ servedName, maxModelLen, createdAt }: ModelFacts): object => ({
  id: servedName,
  object: 'model',
  created: createdAt,
  owned_by: 'stepctl',
  ...(maxModelLen === null ? {} : { max_model_len: maxModelLen }),
});

/** Answered here: the same while the engine starts, and no list of the engine's own paths and adapters. */
export const answerModels = (facts: ModelFacts): LocalAnswer =>
  jsonAnswer(200, { object: 'list', data: [describeModel(facts)] });

export const answerModel = (facts: ModelFacts): LocalAnswer => jsonAnswer(200, describeModel(facts));
