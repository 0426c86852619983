/** Characters a token has in ordinary English text with a large vocabulary; only the first guess. */
const guessedCharsPerToken = 4;
const leastChars = 48;

export interface PromptSizer {
  /** Characters that should give the wanted number of prompt tokens. */
  chars(): number;
  observe(chars: number, promptTokens: number): void;
}

/**
 * Learns from the server's own counts how long a prompt must be, without a tokenizer: tokens = overhead of the chat
 * template + slope × characters, from two observations of different length.
 */
export function createPromptSizer(wantedTokens: number): PromptSizer {
  let points: { chars: number; tokens: number }[] = [];
  return {
    chars: () => {
      const [first, last] = points;
      if (first === undefined) return Math.max(leastChars, Math.round(wantedTokens * guessedCharsPerToken));
      if (last === undefined)
        return Math.max(leastChars, Math.round((wantedTokens * first.chars) / Math.max(1, first.tokens)));
      const slope = (last.tokens - first.tokens) / (last.chars - first.chars);
      if (!(slope > 0))
        return Math.max(leastChars, Math.round((wantedTokens * last.chars) / Math.max(1, last.tokens)));
      return Math.max(leastChars, Math.round(last.chars + (wantedTokens - last.tokens) / slope));
    },
    observe: (chars, promptTokens) => {
      const others = points.filter((point) => Math.abs(point.chars - chars) > 16);
      points = [...others, { chars, tokens: promptTokens }].slice(-2);
    },
  };
}
