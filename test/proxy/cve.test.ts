import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, type Front, hello, openFront, post, rawExchange } from '../fixtures/upstream/front.ts';

/** A key without the scope `advanced` asks: nothing of these may reach the engine, not even a connection. */
let front: Front;
beforeAll(async () => {
  front = await openFront();
});
afterAll(() => front.close());

const image = (url: string) => ({
  model: 'm',
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }],
});
const prompt = { model: 'm', prompt: 'hi' };
const withTool = (parameters: unknown) => ({
  ...hello,
  tools: [{ type: 'function', function: { name: 'f', parameters } }],
});
const deep = (levels: number): unknown => (levels === 0 ? {} : { properties: { a: deep(levels - 1) } });

const chat = '/v1/chat/completions';
const completions = '/v1/completions';
const rows: readonly (readonly [string, string, unknown, string])[] = [
  ['CVE-2026-22778: media that reach a decoder', chat, image('data:image/png;base64,AAAA'), 'media_denied'],
  [
    'CVE-2026-54236: media that reach a decoder, rest of the fix',
    chat,
    { ...hello, messages: [{ role: 'user', content: [{ type: 'video_url', video_url: { url: 'x' } }] }] },
    'media_denied',
  ],
  [
    'CVE-2026-22773: pictures that exhaust the engine',
    chat,
    image('data:image/gif;base64,AAAA'),
    'media_denied',
  ],
  [
    'CVE-2026-24779: a media URL makes the engine fetch',
    chat,
    image('http://169.254.169.254/'),
    'media_denied',
  ],
  [
    'CVE-2026-25960: a media URL makes the engine fetch, parser confusion',
    chat,
    image('http://a@169.254.169.254/'),
    'media_denied',
  ],
  ['CVE-2025-6242: a media URL makes the engine fetch', chat, image('http://localhost:1/'), 'media_denied'],
  [
    'CVE-2026-114053: mm_processor_kwargs loads code',
    chat,
    { ...hello, mm_processor_kwargs: { code_revision: 'x' } },
    'field_denied',
  ],
  ['CVE-2026-114053: /tokenize', '/tokenize', prompt, 'unknown_route'],
  ['CVE-2026-114051: /inference/v1/generate', '/inference/v1/generate', prompt, 'unknown_route'],
  [
    'CVE-2026-114051: min_tokens above max_tokens',
    chat,
    { ...hello, max_tokens: 5, min_tokens: 6 },
    'invalid_value',
  ],
  [
    'CVE-2026-114051: min_tokens without max_tokens',
    completions,
    { ...prompt, min_tokens: 100_000 },
    'invalid_value',
  ],
  ['CVE-2026-34756: n without bound', chat, { ...hello, n: 1_000_000 }, 'invalid_value'],
  [
    'PYSEC-2026-3704: a long list of prompts',
    completions,
    { ...prompt, prompt: Array.from({ length: 1_000 }, () => 'a') },
    'invalid_value',
  ],
  ['CVE-2026-115911: chat_template', chat, { ...hello, chat_template: '{{ 1 }}' }, 'field_denied'],
  ['CVE-2026-115918: chat_template by documents', chat, { ...hello, documents: [] }, 'field_denied'],
  [
    'CVE-2025-62426: chat_template_kwargs replaces the template',
    chat,
    { ...hello, chat_template_kwargs: { chat_template: 'x' } },
    'field_denied',
  ],
  ['CVE-2026-116180: prompt_logprobs', chat, { ...hello, prompt_logprobs: 1 }, 'field_gated'],
  ['CVE-2026-116180: echo with logprobs', completions, { ...prompt, echo: true, logprobs: 1 }, 'field_gated'],
  [
    'CVE-2026-105757: structured output by grammar',
    chat,
    { ...hello, structured_outputs: { grammar: 'root ::= "a"' } },
    'field_gated',
  ],
  [
    'PYSEC-2026-3933: structured output by regex',
    chat,
    { ...hello, structured_outputs: { regex: '(a+)+$' } },
    'field_gated',
  ],
  [
    'CVE-2025-48944: a tool schema with a type that is none',
    chat,
    withTool({ type: 'something' }),
    'invalid_value',
  ],
  [
    'CVE-2025-48944: a tool schema with a pattern that is none',
    chat,
    withTool({ properties: { a: { type: 'string', pattern: '*' } } }),
    'invalid_value',
  ],
  ['CVE-2025-29770: a schema without bounds', chat, withTool(deep(40)), 'too_deep'],
  ['CVE-2026-105756: cache_salt', chat, { ...hello, cache_salt: 'x' }, 'field_denied'],
  ['CVE-2026-105760: media_io_kwargs', chat, { ...hello, media_io_kwargs: {} }, 'field_denied'],
  ['CVE-2026-93840: allowed_token_ids', chat, { ...hello, allowed_token_ids: [1] }, 'field_gated'],
  ['CVE-2026-93989: bad_words', chat, { ...hello, bad_words: ['a'] }, 'field_gated'],
  ['CVE-2026-56340: prompt_embeds', completions, { ...prompt, prompt_embeds: 'AA==' }, 'field_denied'],
  [
    'CVE-2025-62164: prompt_embeds of a crafted tensor',
    completions,
    { prompt_embeds: ['AA=='] },
    'field_denied',
  ],
  ['PYSEC-2026-2303: prompt_embeds in chat', chat, { ...hello, prompt_embeds: 'AA==' }, 'field_denied'],
  ['CVE-2026-116173: paths beside the API', '/inference/v1/abort_requests', {}, 'unknown_route'],
  ['PYSEC-2026-4350: paths beside the API', '/collective_rpc', {}, 'unknown_route'],
  ['PYSEC-2026-4353: the generate path', '/generate', prompt, 'unknown_route'],
  ['CVE-2026-116176: request_id in the body', chat, { ...hello, request_id: 'http://x/' }, 'field_denied'],
];

describe('advisories of vLLM that end at the proxy', () => {
  it.each(rows)('%s', async (_title, path, body, code) => {
    const reply = await post(front.port, body, { path });
    expect({ code: codeOf(reply), isRefused: reply.status >= 400 && reply.status < 500 }).toEqual({
      code,
      isRefused: true,
    });
    expect(front.upstream.connections()).toBe(0);
  });

  it('CVE-2026-48746: a Host that hides the path from the key check', async () => {
    const answer = await rawExchange(front.port, 'GET /v1/models HTTP/1.1\r\nHost: a/?x=\r\n\r\n');
    expect(answer).toContain('HTTP/1.1 400');
    expect(front.upstream.connections()).toBe(0);
  });

  const unguarded =
    '/invocations /pooling /classify /score /rerank /generative_scoring /pause /resume /scale_elastic_ep /init_weight_transfer_engine /update_weights /detokenize /load /sleep /reset_prefix_cache /v1/responses /v1/chat/completions/batch'.split(
      ' ',
    );
  it.each(unguarded)("%s, which the engine's own key does not guard, is not there", async (path) => {
    expect((await post(front.port, hello, { path })).status).toBe(404);
    expect(front.upstream.connections()).toBe(0);
  });
});
