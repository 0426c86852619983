import { createRandom } from './random.ts';

/** Plain words: random token ids would route experts and accept drafts as no text does. */
const words = (
  'the a one this each some old new small large early late quiet bright river mountain village market garden bridge ' +
  'window engine letter harbour winter summer morning evening teacher farmer sailor doctor painter child friend ' +
  'stone water paper silver wooden broken simple careful sudden heavy walks carries finds builds opens answers follows ' +
  'remembers repairs measures explains crosses leaves returns near under over behind between across without until ' +
  'because although while after before quickly slowly often never always perhaps again together alone north south'
).split(' ');

export interface PromptParts {
  readonly seed: number;
  readonly index: number;
  /** Different in every run: a second run with the same seed must not find the first one's prompts in the cache. */
  readonly nonce: string;
  readonly chars: number;
}

/**
 * A prompt of about `chars` characters, the same for the same seed, index and nonce. It begins with text that no other
 * prompt begins with, because a prefix cache matches from the start: a unique end would still hit.
 */
export function makePrompt({ seed, index, nonce, chars }: PromptParts): string {
  const random = createRandom(seed, index);
  const pick = (): string => words[Math.floor(random() * words.length)] ?? 'the';
  let text = `${nonce}-${index}. Continue this story at length.`;
  let inSentence = 0;
  while (text.length < chars) {
    const word = pick();
    text += inSentence === 0 ? ` ${word.charAt(0).toUpperCase()}${word.slice(1)}` : ` ${word}`;
    inSentence += 1;
    if (inSentence > 5 && random() < 0.2) {
      text += '.';
      inSentence = 0;
    }
  }
  return text;
}
