/** Write buffers of one size, used again and again. */
export interface BufferPool {
  take(): Buffer;
  give(buffer: Buffer): void;
}

/**
 * Makes a pool. Chunks are copied into its buffers: that costs less than keeping every chunk of the socket alive until
 * its write is done, which makes the garbage collector run all the time and memory grow with it.
 */
export function createBufferPool(sizeBytes: number): BufferPool {
  const free: Buffer[] = [];
  return {
    take: () => free.pop() ?? Buffer.allocUnsafeSlow(sizeBytes),
    give: (buffer) => void free.push(buffer),
  };
}
