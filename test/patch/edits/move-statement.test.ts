import { describe, expect, it } from 'vitest';
import { judgeOn } from '../helpers.ts';

const edit = {
  op: 'move-statement',
  class: 'Method',
  function: 'apply',
  statement: 'assert layer.act == "silu", ...',
  into: 'if self.backend == TRT:\n    ...\nelse:\n    ...',
};
const method = (head: string, branch: string): string =>
  `class Method:\n    def apply(self, layer):\n${head}        # EPLB path\n        if self.backend == TRT:\n${branch}            return 1\n        else:\n            return 2\n`;
const outside = '        assert layer.act == "silu", "Only SiLU."\n';
const inside = '            assert layer.act == "silu", "Only SiLU."\n';

describe('move-statement', () => {
  it('moves the statement into the block and then finds nothing more to do', async () => {
    const judged = await judgeOn(method(outside, ''), edit);
    expect(judged.text).toBe(method('', inside));
    expect((await judgeOn(judged.text ?? '', edit)).state).toBe('present');
  });

  it('keeps the shape of a statement that spans lines', async () => {
    const long = '        assert layer.act == "silu", (\n            "Only SiLU."\n        )\n';
    const moved = '            assert layer.act == "silu", (\n                "Only SiLU."\n            )\n';
    expect((await judgeOn(method(long, ''), edit)).text).toBe(method('', moved));
  });

  it('finds the statement in other clothes', async () => {
    const dressed = "        assert (layer.act == 'silu'), 'other words'  # why\n";
    expect((await judgeOn(method(dressed, ''), edit)).state).toBe('needed');
  });

  it.each([
    ['the statement is gone', method('', '')],
    ['it stands there twice', method(outside + outside, '')],
    ['the block is gone', `class Method:\n    def apply(self, layer):\n${outside}        return 2\n`],
    ['it shares its line', method('        assert layer.act == "silu", "x"; go()\n', '')],
  ])('refuses: %s', async (_name, source) => {
    expect((await judgeOn(source, edit)).state).toBe('conflict');
  });
});
