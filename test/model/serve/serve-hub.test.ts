import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { serveHub } from '../../../src/model/index.ts';
import { parseRange } from '../../../src/model/serve/answer.ts';
import { createLinkSigner } from '../../../src/model/serve/signed-link.ts';
import { makeScratch } from '../scratch-dir.ts';
import { makeModel, writeFiles } from '../scratch.ts';

async function startHub() {
  const dir = await makeScratch();
  const hub = await serveHub({
    repos: { 'acme/tiny': await writeFiles(join(dir, 'model'), makeModel([9000])) },
  });
  onTestFinished(() => hub.close());
  return hub;
}

describe('the hub that stepctl carries', () => {
  it('sends a shard through a signed link on another origin, in ranges', async () => {
    const hub = await startHub();
    const url = `${hub.url}/acme/tiny/resolve/main/model-00001-of-00001.safetensors`;
    const answer = await fetch(url, { method: 'HEAD', redirect: 'manual' });
    expect(answer.status).toBe(302);
    const location = answer.headers.get('location') ?? '';
    expect(new URL(location).origin).not.toBe(new URL(hub.url).origin);
    expect(answer.headers.get('x-linked-etag')).toMatch(/^"[0-9a-f]{64}"$/);
    const part = await fetch(location, { headers: { range: 'bytes=8-15' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([
      206,
      `bytes 8-15/${answer.headers.get('x-linked-size')}`,
    ]);
    expect((await part.arrayBuffer()).byteLength).toBe(8);
    expect((await fetch(location, { headers: { range: 'bytes=99999-' } })).status).toBe(416);
    expect((await fetch(location.replace(/Signature=./, 'Signature=x'))).status).toBe(403);
  });

  it.each([
    ['/api/models/acme/none/revision/main', 404, 'RepoNotFound'],
    ['/api/models/acme/tiny/revision/v9', 404, 'RevisionNotFound'],
    ['/acme/tiny/resolve/main/none.bin', 404, 'EntryNotFound'],
    ['/acme/tiny/resolve/main/..%2f..%2fetc%2fpasswd', 404, 'EntryNotFound'],
    ['/%ff', 400, null],
    ['/', 404, null],
  ])('answers %s with %i %s', async (path, status, code) => {
    const hub = await startHub();
    const answer = await fetch(`${hub.url}${path}`);
    expect([answer.status, answer.headers.get('x-error-code')]).toEqual([status, code]);
  });

  it('shows the commit of what is in the folder, and another one when that changes', async () => {
    const dir = await makeScratch();
    const folder = await writeFiles(join(dir, 'model'), { 'config.json': '{}' });
    const hub = await serveHub({ repos: { 'acme/tiny': folder } });
    onTestFinished(() => hub.close());
    const commit = async (): Promise<unknown> =>
      ((await (await fetch(`${hub.url}/api/models/acme/tiny/revision/main`)).json()) as { sha: unknown }).sha;
    const before = await commit();
    expect(before).toMatch(/^[0-9a-f]{40}$/);
    expect(await commit()).toBe(before);
    await writeFiles(folder, { 'config.json': '{"a":1}' });
    expect(await commit()).not.toBe(before);
  });

  it('refuses a folder that is not there', async () => {
    await expect(serveHub({ repos: { 'a/b': '/no/such/folder' } })).rejects.toMatchObject({
      code: 'STEP_MODEL_FOLDER',
    });
  });
});

describe('signed links', () => {
  it('end, and cannot be made up', () => {
    const signer = createLinkSigner(Buffer.from('secret'), 60_000);
    const url = new URL(signer.sign('http://cdn', 'a'.repeat(64), 0));
    expect(signer.check(url, 59_000)).toBe('good');
    expect(signer.check(url, 61_000)).toBe('expired');
    url.searchParams.set('Expires', '9999999999');
    expect(signer.check(url, 0)).toBe('forged');
  });
});

describe('a Range header', () => {
  it.each([
    ['bytes=0-9', { start: 0, end: 10 }],
    ['bytes=90-', { start: 90, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=50-500', { start: 50, end: 100 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=9-5', 'unsatisfiable'],
    ['bytes=-', null],
    ['bytes=0-1,3-4', null],
    [null, null],
  ])('%s of 100 bytes is %j', (header, expected) => {
    expect(parseRange(header, 100)).toEqual(expected);
  });
});
