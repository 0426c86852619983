import { describe, expect, it } from 'vitest';
import { type ChatEvent, streamChat } from '../../../src/lib/openai-client/index.ts';
import { type MockProgram, mockScript, startMockEngine } from '../../fixtures/mock-engine/index.ts';

async function chat(program: Partial<MockProgram>): Promise<ChatEvent[]> {
  const engine = await startMockEngine({ script: mockScript, ...program });
  try {
    const events: ChatEvent[] = [];
    const stream = streamChat({
      address: { baseUrl: engine.url, socketPath: null },
      apiKey: null,
      model: 'mock',
      messages: [{ role: 'user', content: 'What is the answer?' }],
      maxTokens: null,
      temperature: 0,
      timeoutMs: 10_000,
    });
    for await (const event of stream) events.push(event);
    return events;
  } finally {
    await engine.close();
  }
}

const join = (events: readonly ChatEvent[], kind: 'reasoning' | 'content'): string =>
  events.map((event) => (event.kind === kind ? event.text : '')).join('');

describe('streamChat', () => {
  it('gives reasoning, then content, then one finish with counts and times', async () => {
    const events = await chat({});
    expect(join(events, 'reasoning')).toBe('Let me think about naïve 日本 step by step.');
    expect(join(events, 'content')).toBe('The answer is forty-two!');
    const finish = events.at(-1);
    expect(finish).toMatchObject({ kind: 'finish', finishReason: 'stop', usage: { completionTokens: 15 } });
    expect(events.filter((event) => event.kind === 'finish')).toHaveLength(1);
  });

  it('throws what an error inside the stream says', async () => {
    await expect(chat({ fault: { kind: 'error-event', afterChunks: 1 } })).rejects.toThrow('the chat stream');
  });

  it('does not take a stream without a finish reason for an answer', async () => {
    await expect(chat({ fault: { kind: 'no-finish', afterChunks: 2 } })).rejects.toMatchObject({
      code: 'STEP_API_BROKEN',
    });
  });
});
