import { describe, expect, it } from 'vitest';
import { judgeOn } from '../helpers.ts';

const edit = {
  op: 'insert-statements',
  class: 'Model',
  function: 'load',
  position: 'before',
  anchor: 'for name, weight in weights:\n    ...',
  code: 'mapping = make(\n    self,\n)\n',
  already: [[{ has: 'mapping = make(...)' }]],
};
const load = (body: string): string =>
  `from tools import go, make\n\n\nclass Model:\n    def load(self, weights):\n${body}`;
const loop = '        for name, weight in weights:\n            put(name, weight)\n';
const code = '        mapping = make(\n            self,\n        )\n';

describe('insert-statements', () => {
  it('inserts above the anchor at its depth, once', async () => {
    const judged = await judgeOn(load(loop), edit);
    expect(judged.text).toBe(load(code + loop));
    expect((await judgeOn(judged.text ?? '', edit)).state).toBe('present');
  });

  it('goes above the comment that belongs to the anchor, not above one of a deeper block', async () => {
    const comment = '        # walks the weights\n';
    expect((await judgeOn(load(comment + loop), edit)).text).toBe(load(code + comment + loop));
    const deeper = '        if self:\n            go()\n            # done\n';
    expect((await judgeOn(load(deeper + loop), edit)).text).toBe(load(deeper + code + loop));
  });

  it('inserts below the anchor, also at the end of a file without a line break', async () => {
    const below = { ...edit, position: 'after', anchor: 'go()' };
    expect((await judgeOn(load('        go()  # now\n'), below)).text).toBe(
      load(`        go()  # now\n${code}`),
    );
    expect((await judgeOn(load('        go()'), below)).text).toBe(load(`        go()\n${code}`));
  });

  it('keeps the line ending of the file and sets the empty line asked for', async () => {
    const windows = load(loop).replaceAll('\n', '\r\n');
    const judged = await judgeOn(windows, { ...edit, blankLine: true });
    expect(judged.text).toBe(load(`${code}\n${loop}`).replaceAll('\n', '\r\n'));
  });

  it.each([
    ['the anchor is gone', '        return 1\n'],
    ['the anchor is there twice', loop + loop],
    ['the anchor shares its line', '        a = 1; go()\n'],
  ])('refuses: %s', async (name, body) => {
    const anchor = name.endsWith('line') ? { anchor: 'go()' } : {};
    expect((await judgeOn(load(body), { ...edit, ...anchor })).state).toBe('conflict');
  });

  it.each([
    ['variable', 'for name, weight in source:', 'mapping = make(weights)', 'weights'],
    ['import', 'for name, weight in weights:', 'mapping = build(self)', 'build'],
    ['attribute', 'for name, weight in weights:', 'mapping = make(self.experts)', 'self.experts'],
  ])('refuses code that uses a name which is not there: %s', async (_what, header, statement, name) => {
    const source = `from tools import make\n\n\nclass Model:\n    def load(self, source):\n        ${header}\n            go()\n`;
    const anchor = `${header}\n    ...`;
    const judged = await judgeOn(source, { ...edit, anchor, code: statement, already: [] });
    expect(judged.problem?.anchor).toContain(name);
  });

  it.each([
    ['a variable of the name', '        mapping = {}\n', edit.code],
    [
      'a branch on the condition',
      '        if self.done:\n            go()\n',
      'if self.done:\n    make(self)\n',
    ],
  ])('refuses where half of it stands in another form: %s', async (_what, half, statement) => {
    const judged = await judgeOn(load(half + loop), { ...edit, code: statement });
    expect(judged.problem?.problem).toContain('in another form');
  });

  it('refuses code that would leave the file unreadable', async () => {
    const judged = await judgeOn(load(loop), { ...edit, code: 'mapping = (\n' });
    expect(judged.problem?.problem).toContain('not Python');
  });
});
