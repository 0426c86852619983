import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyBodyPolicy } from '../../src/proxy/body/body-policy.ts';
import { defaultPolicy, type ProxyPolicy } from '../../src/proxy/index.ts';

const hello = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };

function apply(
  body: unknown,
  change: { policy?: Partial<ProxyPolicy>; scopes?: string[]; route?: 'chat' | 'completions' } = {},
) {
  return applyBodyPolicy({
    route: change.route ?? 'chat',
    bytes: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    servedName: 'm',
    scopes: change.scopes ?? ['chat'],
    policy: { ...defaultPolicy, ...change.policy },
  });
}

function forwarded(result: ReturnType<typeof apply>): Record<string, unknown> {
  if ('status' in result) throw new Error(result.message);
  return JSON.parse(result.bytes.toString()) as Record<string, unknown>;
}

describe('accepted', () => {
  const tool = {
    type: 'function',
    function: {
      name: 'f',
      description: 'd',
      parameters: {
        type: 'object',
        properties: { type: { type: 'string' }, pattern: { type: 'string', pattern: '^a+$' } },
        required: ['type'],
      },
      strict: true,
    },
  };
  const bodies: readonly (readonly [string, Record<string, unknown>])[] = [
    [
      'all of the usual sampling fields',
      {
        ...hello,
        temperature: 0.5,
        top_p: 1,
        top_k: -1,
        min_p: 0,
        seed: 1,
        stop: ['a'],
        n: 2,
        logprobs: true,
        top_logprobs: 5,
        max_completion_tokens: 10,
        min_tokens: 2,
        ignore_eos: true,
        presence_penalty: 1,
        repetition_penalty: 1.1,
        logit_bias: { 5: -100 },
      },
    ],
    [
      'tools, whose members may be called type and pattern',
      {
        ...hello,
        tools: [tool],
        tool_choice: { type: 'function', function: { name: 'f' } },
        parallel_tool_calls: false,
      },
    ],
    [
      'a conversation with tool calls, reasoning and null content',
      {
        model: 'm',
        messages: [
          { role: 'developer', content: 's' },
          { role: 'user', content: [{ type: 'text', text: 'q' }] },
          {
            role: 'assistant',
            content: null,
            reasoning_content: 'r',
            tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
          },
          { role: 'tool', tool_call_id: '1', content: 'x' },
        ],
      },
    ],
    [
      'a response format with a schema',
      {
        ...hello,
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'x', schema: { type: ['object', 'null'], enum: [{ type: 7 }] }, strict: true },
        },
      },
    ],
    ['null for what is not given', { ...hello, temperature: null, tools: null, stop: null }],
    ['template arguments of the list', { ...hello, chat_template_kwargs: { enable_thinking: false } }],
  ];
  it.each(bodies)('%s, sent on unchanged', (_what, body) => {
    expect(forwarded(apply(body))).toEqual(body);
  });

  it.each([[{ prompt: 'a' }], [{ prompt: [1, 2, 3] }], [{ prompt: ['a', 'b'] }], [{ prompt: [[1], [2]] }]])(
    'completion %j',
    (body) => {
      expect(forwarded(apply(body, { route: 'completions' }))).toEqual(body);
    },
  );

  it('what only OpenAI knows is taken and not sent on', () => {
    expect(
      forwarded(apply({ ...hello, user: 'u', metadata: { a: 1 }, store: false, service_tier: 'auto' })),
    ).toEqual(hello);
  });

  it('int64 bounds in a tool schema keep their digits', () => {
    const text =
      '{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"integer","maximum":9223372036854775807}}}]}';
    const result = apply(text);
    expect('bytes' in result && result.bytes.toString()).toBe(text);
  });

  it('gated fields, for a key with the scope', () => {
    expect(
      forwarded(apply({ ...hello, bad_words: ['a'], priority: 3 }, { scopes: ['chat', 'advanced'] })),
    ).toMatchObject({ priority: 3 });
  });

  it('data: pictures, where the policy says so', () => {
    const body = (url: string) => ({
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
    });
    expect(apply(body('data:image/png;base64,AAAA'), { policy: { media: 'data' } })).toHaveProperty('bytes');
    expect(apply(body('https://x/y.png'), { policy: { media: 'data' } })).toMatchObject({
      code: 'media_denied',
    });
  });

  it('unknown fields are left out and counted, where the policy says so', () => {
    const result = apply(
      { ...hello, temprature: 1, messages: [{ role: 'user', content: 'hi', cache_control: {} }] },
      { policy: { unknownFields: 'drop' } },
    );
    expect(forwarded(result)).toEqual(hello);
    expect(result).toMatchObject({ droppedFields: 2 });
  });
});

describe('refused, naming the field', () => {
  const rows: readonly (readonly [string, unknown, string | null, string])[] = [
    ['a misspelt field', { ...hello, temprature: 1 }, 'temprature', 'unknown_field'],
    [
      'an unknown field of a message',
      { messages: [{ role: 'user', content: 'x', evil: 1 }] },
      'messages[0].evil',
      'unknown_field',
    ],
    [
      '__proto__',
      '{"messages":[{"role":"user","content":"x"}],"__proto__":{"a":1}}',
      '__proto__',
      'unknown_field',
    ],
    ['a member of Object.prototype', { ...hello, constructor: 1 }, 'constructor', 'unknown_field'],
    ['another model', { ...hello, model: 'other' }, 'model', 'model_not_found'],
    ['no messages', { model: 'm' }, 'messages', 'missing_field'],
    ['empty messages', { messages: [] }, 'messages', 'invalid_value'],
    ['a message without role', { messages: [{ content: 'x' }] }, 'messages[0].role', 'invalid_value'],
    [
      'a role that is none',
      { messages: [{ role: 'root', content: 'x' }] },
      'messages[0].role',
      'invalid_value',
    ],
    ['a number as text', { ...hello, temperature: '1' }, 'temperature', 'invalid_value'],
    [
      'a seed beyond 2^53',
      '{"messages":[{"role":"user","content":"x"}],"seed":9007199254740993}',
      'seed',
      'invalid_value',
    ],
    ['a fraction as integer', { ...hello, max_tokens: 1.5 }, 'max_tokens', 'invalid_value'],
    [
      'an infinite number',
      '{"messages":[{"role":"user","content":"x"}],"temperature":1e999}',
      'temperature',
      'invalid_value',
    ],
    ['too many stops', { ...hello, stop: Array.from({ length: 17 }, () => 'a') }, 'stop', 'invalid_value'],
    ['a body that is an array', [], 'body', 'invalid_value'],
    ['a body that is no JSON', '{"messages": secret}', null, 'invalid_json'],
    ['half a surrogate pair', '{"messages":[{"role":"user","content":"\\ud800"}]}', null, 'invalid_json'],
  ];
  it.each(rows)('%s', (_what, body, param, code) => {
    expect(apply(body)).toMatchObject({ param, code });
  });

  it('bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"messages":[{"role":"user","content":"'),
      Buffer.from([0xff]),
      Buffer.from('"}]}'),
    ]);
    expect(
      applyBodyPolicy({ route: 'chat', bytes, servedName: 'm', scopes: [], policy: defaultPolicy }),
    ).toMatchObject({ code: 'invalid_json' });
  });

  it('does not repeat the body in the answer', () => {
    expect(JSON.stringify(apply('{"messages": "my secret prompt'))).not.toContain('secret');
    expect(JSON.stringify(apply('{"messages": secret}'))).not.toContain('secret');
  });
});

describe('properties', () => {
  it('any JSON is answered or refused, never thrown at', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 8 }), (text) => typeof apply(text) === 'object'));
  });

  it('any value in any known field is answered or refused, and what is sent on is JSON', () => {
    const names = [
      'temperature',
      'stop',
      'tools',
      'response_format',
      'stream_options',
      'logit_bias',
      'messages',
      'max_tokens',
      'chat_template_kwargs',
      'structured_outputs',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 4 }), (name, value) => {
        const result = apply({ ...hello, [name]: value });
        return 'status' in result || JSON.parse(result.bytes.toString()) !== null;
      }),
    );
  });

  it('a nesting of any depth is refused and does not overflow the stack', () => {
    const deep = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
    expect(
      apply(
        `{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":${deep}}}]}`,
      ),
    ).toMatchObject({ code: 'too_deep' });
    expect(apply(`{"metadata":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toMatchObject({
      code: 'too_deep',
    });
  });
});
