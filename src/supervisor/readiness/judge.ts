import type { Script } from '../../lib/index.ts';
import type { ReadinessFailed, ReadinessOptions } from './types.ts';

/** What the engine generated, reduced to what is judged. */
export interface GeneratedAnswer {
  /** Before `</think>`; empty where no reasoning parser splits it off. */
  readonly reasoning: string;
  readonly content: string;
  readonly completionTokens: number;
  /** Of each token, where asked for; null marks one that is no finite number. */
  readonly logprobs: readonly (number | null)[];
}

/** Fewer characters than this may well be all the same without meaning anything. */
const shortestDegenerate = 4;

const words = (text: string): string[] =>
  text
    .replaceAll(/<\/?think>/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');

/** For people: a run of control characters (NaN logits decode to NULs) as one dot, and not more than tells. */
const quote = (text: string): string => {
  const plain = text.replaceAll(/\p{Cc}+/gu, '·');
  return JSON.stringify(plain.length > 120 ? `${plain.slice(0, 120)}…` : plain);
};

const whole = (answer: GeneratedAnswer): string => `${answer.reasoning} ${answer.content}`.trim();

const refuse = (
  signature: string,
  reason: string,
  options: ReadinessOptions,
  otherwise: string,
): ReadinessFailed => ({
  ok: false,
  retry: false,
  signature,
  reason: options.wrongAnswerHint === null ? reason : `${reason}; ${options.wrongAnswerHint}`,
  advice: otherwise,
});

/** Compares with the known truth, word for word; a wrong load says other words, not an error. */
export function judgeScripted(
  answer: GeneratedAnswer,
  truth: Script,
  options: ReadinessOptions,
): ReadinessFailed | null {
  const said = words(whole(answer));
  const expected = words(`${truth.reasoning} ${truth.content}`);
  if (said.length === expected.length && said.every((word, index) => word === expected[index])) return null;
  return refuse(
    'wrong-answer',
    `the engine came up but answers ${quote(whole(answer))} where a right load of this checkpoint says ${quote(expected.join(' '))}`,
    options,
    'the weights were loaded wrongly: look at stepctl patch verify and stepctl verify',
  );
}

function degeneracyOf(answer: GeneratedAnswer): string | null {
  const text = whole(answer).replaceAll(/\s/g, '');
  if (answer.logprobs.includes(null)) return 'the probabilities of its tokens are not numbers (NaN)';
  if (answer.completionTokens < 1) return 'it generated no token';
  if (text === '') return `it generated ${answer.completionTokens} tokens without any text`;
  const letters = [...text];
  if (letters.length >= shortestDegenerate && new Set(letters).size === 1) {
    return `it answers nothing but ${quote(letters.slice(0, 12).join(''))}`;
  }
  const broken = letters.filter((letter) => letter === '\uFFFD').length;
  return broken * 2 > letters.length ? 'most of its answer are broken characters (U+FFFD)' : null;
}

/** Looks for the marks of a broken load in an answer whose right text nobody knows. */
export function judgeOrdinary(answer: GeneratedAnswer, options: ReadinessOptions): ReadinessFailed | null {
  const why = degeneracyOf(answer);
  if (why === null) return null;
  return refuse(
    'degenerate-answer',
    `the engine came up but ${why}`,
    options,
    'the weights were loaded wrongly or a kernel is broken on this GPU: look at stepctl patch verify and stepctl verify, then try another serve.moeBackend',
  );
}
