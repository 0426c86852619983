import { StepError } from '../../lib/index.ts';
import type { LogLine } from '../types.ts';

type StreamName = LogLine['stream'];

const headerBytes = 8;
/** The daemon copies in pieces of at most 32 KiB; a length far above that means the stream is not what it should be. */
const maxFrameBytes = 16 * 1024 * 1024;

/**
 * Takes apart the daemon's multiplexed output: 1 byte stream number, 3 zero bytes, 4 bytes length (big endian), payload.
 * Feed it chunks cut anywhere; payload is handed on as soon as it is there, also in parts of a frame.
 * Throws STEP_DOCKER_STREAM when the bytes are no such stream (a container with a TTY, for instance).
 */
export function createFrameReader(
  onPayload: (stream: StreamName, bytes: Uint8Array) => void,
): (chunk: Uint8Array) => void {
  const header = Buffer.alloc(headerBytes);
  let headerFilled = 0;
  let remaining = 0;
  let stream: StreamName = 'stdout';

  const openFrame = (): void => {
    const number = header[0] ?? 0;
    remaining = header.readUInt32BE(4);
    headerFilled = 0;
    if (number > 2 || header[1] !== 0 || header[2] !== 0 || header[3] !== 0 || remaining > maxFrameBytes)
      throw new StepError('STEP_DOCKER_STREAM', {
        verdict: "the container's output is not in Docker's multiplexed form",
        reason: `a frame starts with ${header.toString('hex')}`,
        next: 'this is a bug of stepctl or of the daemon; please report it with the output of: docker version',
      });
    stream = number === 2 ? 'stderr' : 'stdout';
  };

  return (chunk) => {
    let at = 0;
    while (at < chunk.length) {
      if (remaining === 0) {
        const take = Math.min(headerBytes - headerFilled, chunk.length - at);
        header.set(chunk.subarray(at, at + take), headerFilled);
        headerFilled += take;
        at += take;
        if (headerFilled === headerBytes) openFrame();
        continue;
      }
      const take = Math.min(remaining, chunk.length - at);
      onPayload(stream, chunk.subarray(at, at + take));
      remaining -= take;
      at += take;
    }
  };
}
