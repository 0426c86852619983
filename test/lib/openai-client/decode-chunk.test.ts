import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeChunk, type StreamChunk } from '../../../src/lib/openai-client/index.ts';

function decode(value: unknown): ReturnType<typeof decodeChunk> {
  return decodeChunk(JSON.stringify(value), 5, 2);
}

function decodeDelta(delta: unknown): StreamChunk {
  const event = decode({ id: 'x', choices: [{ delta, finish_reason: null }] });
  if (event.kind !== 'chunk') throw new Error(`expected a chunk, got ${event.kind}`);
  return event;
}

describe('decodeChunk', () => {
  it.each([
    ['reasoning', { reasoning: 'hm', content: null }],
    ['reasoning_content of older servers', { reasoning_content: 'hm' }],
  ])('reads %s', (_name, delta) => {
    expect(decodeDelta(delta)).toMatchObject({ reasoning: 'hm', content: '', readAt: 5, read: 2 });
  });

  it('reads tool call pieces', () => {
    const { toolCalls } = decodeDelta({
      tool_calls: [{ index: 1, id: 'c', function: { name: 'f', arguments: '{' } }],
    });
    expect(toolCalls).toEqual([{ index: 1, id: 'c', name: 'f', arguments: '{' }]);
  });

  it('reads usage with its details and no choices', () => {
    const usage = {
      prompt_tokens: 4,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 2 },
      completion_tokens_details: { reasoning_tokens: 5 },
    };
    expect(decode({ choices: [], usage })).toMatchObject({
      choices: 0,
      usage: { promptTokens: 4, completionTokens: 9, cachedTokens: 2, reasoningTokens: 5 },
    });
  });

  it('finds [DONE]', () => {
    expect(decodeChunk('[DONE]', 1, 0)).toEqual({ kind: 'done', readAt: 1, read: 0 });
  });

  it.each([
    [
      'an error object',
      { error: { message: 'EngineCore died', type: 'E', code: 500 } },
      { message: 'EngineCore died', type: 'E', code: '500' },
    ],
    ['an error text', { error: 'boom' }, { message: 'boom' }],
    ['an array', [1], { kind: 'fault' }],
  ])('takes %s for a fault', (_name, value, expected) => {
    expect(decode(value)).toMatchObject({ kind: 'fault', ...expected });
  });

  it('never throws, whatever the event holds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (data) => {
        expect(['chunk', 'fault', 'done']).toContain(decodeChunk(data, 0, 0).kind);
      }),
    );
  });
});
