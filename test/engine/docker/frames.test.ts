import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createFrameReader } from '../../../src/engine/index.ts';

interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

const encode = ({ stream, data }: Frame): Buffer => {
  const header = Buffer.alloc(8);
  header[0] = stream === 'stderr' ? 2 : 1;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
};

const frame = fc.record({
  stream: fc.constantFrom('stdout' as const, 'stderr' as const),
  data: fc.uint8Array({ maxLength: 40 }),
});

it('gives each stream its bytes, wherever the chunks are cut and however empty a frame is', () => {
  fc.assert(
    fc.property(
      fc.array(frame),
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      (frames, sizes) => {
        const got: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
        const read = createFrameReader((stream, bytes) => got[stream].push(Buffer.from(bytes)));
        let rest = Buffer.concat(frames.map(encode));
        for (let turn = 0; rest.length > 0; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          read(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        for (const stream of ['stdout', 'stderr'] as const) {
          const sent = frames.filter((one) => one.stream === stream).map((one) => Buffer.from(one.data));
          expect(Buffer.concat(got[stream])).toEqual(Buffer.concat(sent));
        }
      },
    ),
  );
});

it('refuses bytes that are no frames, such as those of a terminal', () => {
  expect(() => createFrameReader(() => {})(Buffer.from('plain text of a TTY'))).toThrow(
    expect.objectContaining({ code: 'STEP_DOCKER_STREAM' }),
  );
});
