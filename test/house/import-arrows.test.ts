import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../../src');

/** Height of each room; an import may only go down. lib is the floor. */
const height: Readonly<Record<string, number>> = {
  'main.ts': 6,
  cli: 5,
  build: 4,
  model: 4,
  bench: 4,
  smoke: 4,
  doctor: 4,
  control: 4,
  supervisor: 3,
  proxy: 3,
  engine: 2,
  vllm: 1,
  patch: 1,
  stack: 1,
  lib: 0,
};

/** Rooms of one height that may know each other all the same, with the reason. */
const allowedSideways = new Map([
  ['proxy → supervisor', 'types of the read-only engine view only'],
  ['vllm → stack', 'the type of the stack that is compiled'],
]);

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const roomOf = (path: string): string => relative(src, path).split(sep)[0] ?? '';

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

function arrows(): Arrow[] {
  return sources(src).flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    const found = [
      ...text.matchAll(/(?:^|\n)\s*(import|export)(\s+type)?\b[^;]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/g),
    ];
    return found.map((match) => {
      const target = resolve(dirname(file), match[3] ?? match[4] ?? '');
      return {
        from: roomOf(file),
        to: roomOf(target),
        file: relative(src, file),
        target: relative(src, target),
        typeOnly: match[2] !== undefined,
      };
    });
  });
}

describe('rooms and their arrows', () => {
  const crossing = arrows().filter((arrow) => arrow.from !== arrow.to);

  it('finds the rooms it judges', () => {
    expect(crossing.length).toBeGreaterThan(50);
    const unknown = new Set(
      crossing.flatMap((arrow) => [arrow.from, arrow.to]).filter((room) => !(room in height)),
    );
    expect([...unknown]).toEqual([]);
  });

  it('points downward only', () => {
    const upward = crossing.filter((arrow) => {
      const from = height[arrow.from] ?? 0;
      const to = height[arrow.to] ?? 0;
      if (to < from) return false;
      return !(allowedSideways.has(`${arrow.from} → ${arrow.to}`) && arrow.typeOnly);
    });
    expect(upward.map((arrow) => `${arrow.file} imports ${arrow.target}`)).toEqual([]);
  });

  it('enters a room through its index.ts, or its types.ts and schema.ts for types', () => {
    const doors = /(^|\/)(index|types)\.ts$/;
    const around = crossing.filter(
      (arrow) =>
        arrow.to !== 'lib' &&
        arrow.from !== 'main.ts' &&
        arrow.target.split('/').length > 1 &&
        !(doors.test(arrow.target) && arrow.target.split('/').length === 2) &&
        !(arrow.target === 'stack/schema.ts' && arrow.typeOnly),
    );
    expect(around.map((arrow) => `${arrow.file} imports ${arrow.target}`)).toEqual([]);
  });
});
