import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preparePython, withPython } from '../../src/patch/python/parser.ts';
import { findMatches } from '../../src/patch/python/pattern.ts';

const parser = await preparePython();
const count = (source: string, pattern: string): number =>
  withPython(parser, source, (root) =>
    withPython(parser, pattern, (wanted) => findMatches(root, wanted).length),
  );

describe('patterns', () => {
  it.each([
    ['f(a, b)', 'f(a,b)', 1],
    ['f(\n  a,\n  b,  # trailing\n)', 'f(a, b)', 1],
    ['f(a, b)', 'f(...)', 1],
    ['f()', 'f(...)', 1],
    ['f(a, k=1, b=2)', 'f(..., k=1, ...)', 1],
    ['f(a, k=2)', 'f(..., k=1, ...)', 0],
    ['x == y', 'x == ANY', 1],
    ['x != y', 'x == ANY', 0],
    ['(x == (y))', 'x == y', 1],
    ['x: list[int] = [1]', 'x = [1]', 1],
    ["m = 'silu'", 'm = "silu"', 1],
    ["m = b'silu'", 'm = "silu"', 0],
    ['a not in b', 'a in b', 0],
    ['assert a, "x"', 'assert a, ...', 1],
    ['assert a', 'assert a, ...', 1],
    ['assert a, "x"', 'assert a', 0],
    ['if a:\n  b()\n  c()\n', 'if a:\n    ...', 1],
    ['if a:\n  b()\nelse:\n  c()\n', 'if a:\n    ...', 0],
    ['f(g(f(1)))', 'f(...)', 2],
    ['for x in y:\n  pass', 'for ANY_NAME in y:\n    ...', 1],
  ])('%j against %j: %i', (source, pattern, expected) => {
    expect(count(source, pattern)).toBe(expected);
  });

  it('matches whatever comments, blank lines, quotes and depth the source is given', () => {
    const lines = [
      'for name, weight in weights:',
      '    if name in ["silu", "gelu"]:',
      '        put(name, weight, k=1)',
    ];
    const pattern = lines.join('\n');
    const noise = fc.array(fc.constantFrom('', '# a note', '        # deep', '\t'), { maxLength: 3 });
    const depth = fc.constantFrom('', '    ', '\t');
    fc.assert(
      fc.property(
        fc.tuple(noise, noise, noise),
        depth,
        fc.boolean(),
        ([first, second, third], indent, isSingle) => {
          const body = [...first, lines[0], ...second, lines[1], ...third, lines[2]].map(
            (line) => `${indent}${line}`,
          );
          const source = `${indent === '' ? '' : 'def f():\n'}${body.join('\n')}\n`;
          expect(count(isSingle ? source.replaceAll('"', "'") : source, pattern)).toBe(1);
        },
      ),
      { numRuns: 100 },
    );
  });
});
