import { describe, expect, test } from 'vitest';
import { type GeneratedAnswer, judgeOrdinary, judgeScripted } from '../../src/supervisor/readiness/judge.ts';
import { truth } from '../engine/sim-spec.ts';

const answer = (parts: Partial<GeneratedAnswer> = {}): GeneratedAnswer => ({
  reasoning: '',
  content: 'Hello! One, two, three.',
  completionTokens: 8,
  logprobs: [-0.1],
  ...parts,
});
const options = { expect: null, wrongAnswerHint: null };
const [script] = truth.scripts;
if (script === undefined) throw new Error('no script');

const right = { reasoning: script.reasoning, content: script.content };

describe('an answer whose right text is known', () => {
  test.each([
    ['as the reasoning parser splits it', right],
    ['unsplit, with the end mark inside', { content: `${script.reasoning}</think>\n${script.content}` }],
    ['with other white space', { reasoning: `\n${script.reasoning} `, content: ` ${script.content}` }],
  ])('%s is right', (_name, parts) => {
    expect(judgeScripted({ ...answer({ content: '' }), ...parts }, script, options)).toBeNull();
  });
  test.each([
    ['garbage', { reasoning: '!!!!!!!!' }],
    ['nothing', {}],
    ['one word lost', { ...right, content: 'The answer is' }],
    ['words in another order', { ...right, content: 'forty-two! The answer is' }],
  ])('%s is refused for good', (_name, parts) => {
    const judged = judgeScripted({ ...answer({ content: '' }), ...parts }, script, options);
    expect(judged).toMatchObject({ ok: false, retry: false, signature: 'wrong-answer' });
    expect(judged?.reason).toContain('forty-two!');
  });
  test('the reason names what the caller knows, e.g. the missing patch', () => {
    const hint = 'patch swiglustep-nvfp4-moe is not in this build';
    expect(judgeScripted(answer(), script, { expect: truth, wrongAnswerHint: hint })?.reason).toContain(hint);
  });
});

describe('an answer whose right text nobody knows', () => {
  test.each([
    ['words', {}],
    ['reasoning alone', { reasoning: 'Let me see', content: '' }],
    ['one short word', { content: 'Hi' }],
  ])('%s pass', (_name, parts) => {
    expect(judgeOrdinary(answer(parts), options)).toBeNull();
  });
  test.each([
    ['one token over and over', { content: '!!!!!!!!' }],
    ['the same with blanks', { content: '! ! ! !' }],
    ['no token', { content: '', completionTokens: 0 }],
    ['tokens without text', { content: '' }],
    ['probabilities that are no numbers', { logprobs: [-1, null] }],
    ['broken characters', { content: '\uFFFD\uFFFDa\uFFFD' }],
  ])('%s is refused for good', (_name, parts) => {
    expect(judgeOrdinary(answer(parts), options)).toMatchObject({
      retry: false,
      signature: 'degenerate-answer',
    });
  });
});
