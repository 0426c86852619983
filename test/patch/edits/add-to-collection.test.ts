import { describe, expect, it } from 'vitest';
import { judgeOn } from '../helpers.ts';

const edit = {
  op: 'add-to-collection',
  class: 'Fp4',
  function: 'supports',
  holding: ['"silu"'],
  add: '"step"',
  after: '"oai"',
};
const inClass = (body: string): string =>
  `class Fp8:\n    def supports(a):\n        return a in ["silu", "oai"]\n\n\nclass Fp4:\n    def supports(a):\n${body}`;

describe('add-to-collection', () => {
  it.each([
    [
      'a list on one line',
      '        return a in ["silu", "oai"]\n',
      '        return a in ["silu", "oai", "step"]\n',
    ],
    [
      'single quotes',
      "        return a in ['silu', 'oai']\n",
      "        return a in ['silu', 'oai', \"step\"]\n",
    ],
    ['a tuple', '        return a in ("silu", "oai")\n', '        return a in ("silu", "oai", "step")\n'],
    ['a set', '        return a in {"silu", "oai"}\n', '        return a in {"silu", "oai", "step"}\n'],
    [
      'one element a line, the wanted place in the middle',
      '        return a in [\n            "silu",\n            "oai",\n            "relu",\n        ]\n',
      '        return a in [\n            "silu",\n            "oai",\n            "step",\n            "relu",\n        ]\n',
    ],
    [
      'no trailing comma',
      '        return a in [\n            "silu",\n            "gelu"\n        ]\n',
      '        return a in [\n            "silu",\n            "gelu",\n            "step"\n        ]\n',
    ],
    [
      'the element to follow is not there',
      '        return a in ["silu"]\n',
      '        return a in ["silu", "step"]\n',
    ],
  ])('adds the element: %s', async (_name, before, after) => {
    const judged = await judgeOn(inClass(before), edit);
    expect(judged.text).toBe(inClass(after));
    const again = await judgeOn(judged.text ?? '', edit);
    expect(again.state).toBe('present');
  });

  it.each([
    ['the list is gone', '        return is_gated(a)\n', 'is not there'],
    ['two lists hold it', '        b = ["silu"]\n        return a in ["silu"] or b\n', 'is there 2 times'],
  ])('refuses: %s', async (_name, body, problem) => {
    const judged = await judgeOn(inClass(body), edit);
    expect(judged.state).toBe('conflict');
    expect(judged.problem?.problem).toContain(problem);
    expect(judged.problem?.found).not.toBe('');
    expect(judged.problem?.anchor).toContain('Fp4.supports');
  });

  it('refuses a class that is gone, twice there, or in a file that is no Python', async () => {
    expect((await judgeOn('class Other:\n    pass\n', edit)).problem?.problem).toBe('is not there');
    const twice =
      inClass('        return a in ["silu"]\n') +
      '\n\n' +
      'class Fp4:\n    def supports(a):\n        return a in ["silu"]\n';
    expect((await judgeOn(twice, edit)).problem?.problem).toBe('is there 2 times');
    expect((await judgeOn('class Fp4(:\n', edit)).problem?.problem).toContain('not readable as Python');
  });

  it('recognises an upstream form by a pattern', async () => {
    const upstream = inClass(
      '        return a in [\n            Kind.SILU,  # first\n            Kind.STEP,\n        ]\n',
    );
    const judged = await judgeOn(upstream, { ...edit, already: [[{ has: 'a in [..., Kind.STEP, ...]' }]] });
    expect(judged.state).toBe('present');
    expect(judged.why).toContain('Kind.STEP');
  });

  it.each([
    ['in', 'needed'],
    ['not in', 'conflict'],
    ['==', 'conflict'],
  ])('adds only where the collection is used as said: a %s [...]', async (operator, state) => {
    const body = `        return (a ${operator} ["silu", "oai"])\n`;
    expect((await judgeOn(inClass(body), { ...edit, within: 'a in ANY' })).state).toBe(state);
  });
});
