import { describe, expect, it } from 'vitest';
import { EventQueue } from '../../../src/lib/openai-client/event-queue.ts';

function recordingQueue(): { queue: EventQueue<number>; calls: string[] } {
  const calls: string[] = [];
  const queue = new EventQueue<number>({
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
    abandon: () => calls.push('abandon'),
  });
  return { queue, calls };
}

describe('EventQueue', () => {
  it('pauses its producer when the reader lags and resumes it once', async () => {
    const { queue, calls } = recordingQueue();
    for (let item = 0; item < 2000; item += 1) queue.push(item);
    expect(calls).toEqual(['pause']);
    const seen: number[] = [];
    queue.close();
    for await (const item of queue) seen.push(item);
    expect(calls).toEqual(['pause', 'resume']);
    expect(seen).toEqual(Array.from({ length: 2000 }, (_, index) => index));
  });

  it('delivers what came before a failure, then the failure, then nothing', async () => {
    const { queue } = recordingQueue();
    queue.push(1);
    queue.close(new Error('cut'));
    expect(await queue.next()).toEqual({ value: 1, done: false });
    await expect(queue.next()).rejects.toThrow('cut');
    expect(await queue.next()).toEqual({ value: undefined, done: true });
  });

  it('tells its producer when the reader leaves early', async () => {
    const { queue, calls } = recordingQueue();
    queue.push(1);
    queue.push(2);
    for await (const item of queue) if (item === 1) break;
    expect(calls).toEqual(['abandon']);
  });

  it('wakes a waiting reader', async () => {
    const { queue } = recordingQueue();
    const waiting = queue.next();
    queue.push(3);
    expect(await waiting).toEqual({ value: 3, done: false });
    const last = queue.next();
    queue.close();
    expect(await last).toEqual({ value: undefined, done: true });
  });
});
