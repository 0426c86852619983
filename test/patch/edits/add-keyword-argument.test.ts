import { describe, expect, it } from 'vitest';
import { judgeOn } from '../helpers.ts';

const edit = {
  op: 'add-keyword-argument',
  class: 'Attention',
  function: '__init__',
  call: 'self.g_proj = Linear(...)',
  name: 'quant_config',
  value: 'quant_config',
  before: 'prefix',
};
const init = (body: string): string =>
  `class Attention:\n    def __init__(self, quant_config):\n        self.o_proj = Linear(4)\n${body}`;

describe('add-keyword-argument', () => {
  it.each([
    [
      'one line',
      '        self.g_proj = Linear(4, prefix="g")\n',
      '        self.g_proj = Linear(4, quant_config=quant_config, prefix="g")\n',
    ],
    [
      'no argument at all',
      '        self.g_proj = Linear()\n',
      '        self.g_proj = Linear(quant_config=quant_config)\n',
    ],
    [
      'the neighbour is not there',
      '        self.g_proj = Linear(4)\n',
      '        self.g_proj = Linear(4, quant_config=quant_config)\n',
    ],
    [
      'one argument a line',
      '        self.g_proj = Linear(\n            4,\n            prefix="g",\n        )\n',
      '        self.g_proj = Linear(\n            4,\n            quant_config=quant_config,\n            prefix="g",\n        )\n',
    ],
  ])('adds the argument: %s', async (_name, before, after) => {
    const judged = await judgeOn(init(before), edit);
    expect(judged.text).toBe(init(after));
    expect((await judgeOn(judged.text ?? '', edit)).state).toBe('present');
  });

  it.each([
    ['the call is gone', '        pass\n', 'is not there'],
    [
      'the call is there twice',
      '        self.g_proj = Linear(4)\n        self.g_proj = Linear(5)\n',
      'is there 2 times',
    ],
    [
      'another value is passed',
      '        self.g_proj = Linear(4, quant_config=None)\n',
      'already passes another',
    ],
  ])('refuses: %s', async (_name, body, problem) => {
    expect((await judgeOn(init(body), edit)).problem?.problem).toContain(problem);
  });

  it('refuses a value whose name is not there', async () => {
    const source = init('        self.g_proj = Linear(4)\n').replace('quant_config', 'quantisation');
    const { problem } = await judgeOn(source, edit);
    expect(problem?.anchor).toContain('quant_config');
    expect(problem?.found).toContain('Linear(4)');
  });
});
