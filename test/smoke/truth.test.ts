import { describe, expect, it } from 'vitest';
import { compareWords } from '../../src/smoke/checks/truth.ts';

describe('compareWords', () => {
  it.each([
    ['the same', 'a b c', 'a b c', null],
    ['other white space', 'a b\nc', '\na  b c ', null],
    ['both empty', '', '', null],
    ['another word', 'a b c', 'a x c', 'content, word 2: "x" instead of "b"'],
    ['too short', 'a b', 'a', 'content, word 2: the end instead of "b"'],
    ['too long', 'a', 'a b', 'content, word 2: "b" instead of the end'],
    ['nothing at all', 'a', '', 'content, word 1: the end instead of "a"'],
  ])('tells %s', (_name, expected, actual, problem) => {
    expect(compareWords('content', expected, actual)).toBe(problem);
  });
});
