import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyStore } from '../../src/proxy/index.ts';
import { makeKey, readKeyId } from '../../src/proxy/keys/format.ts';
import { codeOf, type Front, get, hello, openFront, post } from '../fixtures/upstream/front.ts';

let folder: string;
let file: string;
let front: Front | null = null;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keys-'));
  file = join(folder, 'keys.json');
});
afterEach(async () => {
  await front?.close();
  front = null;
  rmSync(folder, { recursive: true });
});

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

describe('the form of a key', () => {
  it('has an id, 32 characters of secret and a checksum that finds typing errors', () => {
    const { id, text } = makeKey();
    expect(text).toMatch(/^sk-step-k[a-z0-9]{7}-[0-9A-Za-z]{32}-[0-9a-f]{8}$/);
    expect(readKeyId(text)).toBe(id);
    const typo = text.replace(/.(?=-[0-9a-f]{8}$)/, (last) => (last === 'x' ? 'y' : 'x'));
    expect(readKeyId(typo)).toBeNull();
  });

  it('property: nothing but a key is read as one', () => {
    fc.assert(fc.property(fc.string(), (text) => readKeyId(text) === null));
  });
});

describe('the key store', () => {
  it('shows a key once, stores a hash in a file of its owner, and knows it again', async () => {
    const store = openKeyStore(file);
    const made = await store.create({ name: 'laptop', scopes: ['chat'] });
    expect(store.check(made.key)).toMatchObject({
      id: made.id,
      name: 'laptop',
      scopes: ['chat'],
      disabled: false,
    });
    expect(readFileSync(file, 'utf8')).not.toContain(made.key.slice(20, 50));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await store.list()).toEqual([
      { id: made.id, name: 'laptop', scopes: ['chat'], createdAt: made.createdAt, disabled: false },
    ]);
  });

  it('refuses another secret under a known id', async () => {
    const store = openKeyStore(file);
    const made = await store.create({ name: 'a', scopes: ['chat'] });
    expect(store.check(makeKey().text)).toBeNull();
    expect(store.check(`${made.key}x`)).toBeNull();
    expect(store.check('')).toBeNull();
  });

  it('loses no key when several are made at once', async () => {
    await Promise.all(
      [1, 2, 3, 4].map((name) => openKeyStore(file).create({ name: String(name), scopes: ['chat'] })),
    );
    expect(await openKeyStore(file).list()).toHaveLength(4);
  });

  it('follows what another process did to the file', async () => {
    const ours = openKeyStore(file);
    const made = await openKeyStore(file).create({ name: 'a', scopes: ['chat'] });
    await expect.poll(() => ours.check(made.key)?.id).toBe(made.id);
    await openKeyStore(file).revoke(made.id);
    await expect.poll(() => ours.check(made.key)).toBeNull();
  });

  it('keeps the last good keys when the file is broken while it is used', async () => {
    const store = openKeyStore(file);
    const made = await store.create({ name: 'a', scopes: ['chat'] });
    writeFileSync(file, '{ "schema"');
    utimesSync(file, 1, 1);
    const until = performance.now() + 150;
    await expect.poll(() => performance.now() > until && store.check(made.key) !== null).toBe(true);
    expect(() => openKeyStore(file)).toThrow(expect.objectContaining({ code: 'STEP_PROXY_KEY_FILE' }));
  });

  it('does not use a file that others may write', async () => {
    await openKeyStore(file).create({ name: 'a', scopes: ['chat'] });
    chmodSync(file, 0o666);
    expect(() => openKeyStore(file)).toThrow(expect.objectContaining({ code: 'STEP_PROXY_KEY_FILE' }));
  });

  it.each([[{ name: '', scopes: ['chat'] }], [{ name: 'a', scopes: [] }], [{ name: 'a', scopes: ['root'] }]])(
    'refuses %j',
    async (input) => {
      await expect(openKeyStore(file).create(input)).rejects.toMatchObject({ code: 'STEP_PROXY_KEY_NAME' });
    },
  );

  it('says which id it does not know', async () => {
    await expect(openKeyStore(file).revoke('kzzz')).rejects.toMatchObject({ code: 'STEP_PROXY_KEY_UNKNOWN' });
  });
});

describe('the proxy with keys', () => {
  it('lets a right key through and does not send it on', async () => {
    const keys = openKeyStore(file);
    const made = await keys.create({ name: 'a', scopes: ['chat'] });
    front = await openFront({ keys });
    expect((await post(front.port, hello, { headers: bearer(made.key) })).status).toBe(200);
    expect(front.upstream.seen[0]?.rawHeaders.join()).not.toContain('sk-step');
    expect((await front.record(0)).keyId).toBe(made.id);
  });

  it('CVE-2025-59425: answers a wrong secret and an unknown id alike, and touches nothing behind', async () => {
    const keys = openKeyStore(file);
    await keys.create({ name: 'a', scopes: ['chat'] });
    front = await openFront({ keys });
    const rows: readonly (readonly [Record<string, string>, number, string])[] = [
      [{}, 401, 'invalid_api_key'],
      [bearer(makeKey().text), 401, 'invalid_api_key'],
      [bearer('dummy'), 401, 'invalid_api_key'],
      [{ authorization: 'Basic dXNlcjpwYXNz' }, 400, 'malformed_authorization'],
      [{ authorization: 'Bearer a b' }, 400, 'malformed_authorization'],
    ];
    for (const [headers, status, code] of rows) {
      const reply = await post(front.port, hello, { headers });
      expect([reply.status, codeOf(reply)]).toEqual([status, code]);
      expect(reply.headers['www-authenticate']).toMatch(/^Bearer realm="stepctl"/);
    }
    expect(front.upstream.connections()).toBe(0);
  });

  it('a revoked key no longer works', async () => {
    const keys = openKeyStore(file);
    const made = await keys.create({ name: 'a', scopes: ['chat'] });
    front = await openFront({ keys });
    await keys.revoke(made.id);
    expect((await post(front.port, hello, { headers: bearer(made.key) })).status).toBe(401);
  });

  it('a key does what its scopes say', async () => {
    const keys = openKeyStore(file);
    const chat = await keys.create({ name: 'a', scopes: ['chat'] });
    const metrics = await keys.create({ name: 'b', scopes: ['metrics'] });
    const advanced = await keys.create({ name: 'c', scopes: ['chat', 'advanced'] });
    front = await openFront({ keys });
    expect((await get(front.port, '/metrics', bearer(chat.key))).status).toBe(403);
    expect((await get(front.port, '/metrics', bearer(metrics.key))).status).toBe(200);
    expect((await get(front.port, '/metrics')).status).toBe(401);
    const gated = { ...hello, bad_words: ['a'] };
    expect((await post(front.port, gated, { headers: bearer(chat.key) })).status).toBe(403);
    expect((await post(front.port, gated, { headers: bearer(advanced.key) })).status).toBe(200);
    expect((await post(front.port, hello, { headers: bearer(metrics.key) })).status).toBe(403);
  });

  it('takes the key that lives in memory, and health without any', async () => {
    front = await openFront({
      keys: openKeyStore(file),
      localKey: { matches: (text) => text === 'sk-step-local-1' },
    });
    expect((await post(front.port, hello, { headers: bearer('sk-step-local-1') })).status).toBe(200);
    expect((await get(front.port, '/health/ready')).status).toBe(200);
  });

  it('limits what one key may send', async () => {
    const keys = openKeyStore(file);
    const [first, second] = [
      await keys.create({ name: 'a', scopes: ['chat'] }),
      await keys.create({ name: 'b', scopes: ['chat'] }),
    ];
    front = await openFront({ keys, policy: { requestsPerMinutePerKey: 2, concurrentPerKey: 8 } });
    const statuses: number[] = [];
    for (const key of [first, first, first, second])
      statuses.push((await post(front.port, hello, { headers: bearer(key.key) })).status);
    expect(statuses).toEqual([200, 200, 429, 200]);
  });

  it('429 after too many wrong keys of one address; a right key still passes', async () => {
    const keys = openKeyStore(file);
    const made = await keys.create({ name: 'a', scopes: ['chat'] });
    front = await openFront({ keys });
    const statuses = new Set<number>();
    for (let count = 0; count < 70; count += 1)
      statuses.add((await get(front.port, '/v1/models', bearer('x'))).status);
    expect([...statuses]).toEqual([401, 429]);
    expect((await get(front.port, '/v1/models', bearer(made.key))).status).toBe(200);
  });
});
