import { describe, expect, it } from 'vitest';
import { architecture } from '../../../src/model/tiny/architecture.ts';
import { createChatTemplate } from '../../../src/model/tiny/chat-template.ts';
import { createCodeBook, createRandom } from '../../../src/model/tiny/codes.ts';
import { ordinary, planScripts } from '../../../src/model/tiny/plan.ts';
import { endlessTrigger, scriptTexts } from '../../../src/model/tiny/texts.ts';
import { createTokenizer } from '../../../src/model/tiny/tokenizer-files.ts';
import { createVocabulary, seedToken } from '../../../src/model/tiny/vocabulary.ts';

const vocabulary = createVocabulary();
const plan = planScripts(vocabulary, 1);

describe('the plan', () => {
  it('leaves no doubt what comes next', () => {
    const states = plan.transitions.map(({ from, mode }) => `${from} ${mode}`);
    expect(new Set(states).size).toBe(states.length);
    for (const { from, mode } of plan.transitions) {
      const rest = plan.transitions.filter((other) => other.from === from);
      if (mode === null) expect(rest).toHaveLength(1);
    }
  });

  it('makes the chat script alone use every expert of every layer', () => {
    const froms = new Set([
      vocabulary.idOf(seedToken('chat')),
      ...(plan.generated.get('chat') ?? []).slice(0, -1),
    ]);
    const used = plan.transitions
      .filter(({ from, mode }) => from !== ordinary && froms.has(from) && (mode ?? 'chat') === 'chat')
      .map(({ layer, expert }) => `${layer}.${expert}`);
    expect(new Set(used).size).toBe(architecture.moeLayers.length * architecture.experts);
  });

  it('makes every expert of every layer the second one for some step', () => {
    const seconds = plan.transitions.map(({ layer, second }) => `${layer}.${second}`);
    expect(new Set(seconds).size).toBe(architecture.moeLayers.length * architecture.experts);
  });

  it('uses each piece in one place only', () => {
    const pieces = scriptTexts.flatMap(({ reasoning, answer }) => [...reasoning, ...answer]);
    expect(new Set(pieces).size).toBe(pieces.length);
  });
});

it('codes of one book do not overlap', () => {
  const book = createCodeBook(64, createRandom(5));
  for (const [index, code] of book.entries()) {
    for (const [place, other] of book.entries()) {
      const overlap = code.reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
      expect(overlap).toBe(index === place ? 64 : 0);
    }
  }
});

it('the tokenizer numbers every token of the vocabulary, added ones included', () => {
  const tokenizer = createTokenizer(vocabulary) as {
    model: { vocab: Record<string, number> };
    added_tokens: { id: number; content: string }[];
  };
  const ids = Object.values(tokenizer.model.vocab).toSorted((a, b) => a - b);
  expect(ids).toEqual([...vocabulary.tokens.keys()]);
  for (const { id, content } of tokenizer.added_tokens) expect(tokenizer.model.vocab[content]).toBe(id);
  expect(vocabulary.tokens.length % 128).toBe(0);
});

it('says ! for token 0, which engines pick from numbers that went wrong', () => {
  const tokenizer = createTokenizer(vocabulary) as { model: { vocab: Record<string, number> } };
  expect(tokenizer.model.vocab['!']).toBe(0);
  expect(tokenizer.model.vocab['Ċ']).toBe(vocabulary.idOf('\n'));
  expect(tokenizer.model.vocab['Ġthe']).toBe(vocabulary.idOf(' the'));
});

it('the endless prompt holds the words that the chat template looks for, the others do not', () => {
  expect(createChatTemplate()).toContain(`'${endlessTrigger}' in state.user`);
  expect(scriptTexts.filter(({ prompt }) => prompt.includes(endlessTrigger)).map(({ name }) => name)).toEqual(
    ['endless'],
  );
});
