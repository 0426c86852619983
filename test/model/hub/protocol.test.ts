import { describe, expect, it } from 'vitest';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hubSettings } from '../../../src/model/index.ts';
import { nextLink } from '../../../src/model/hub/listing.ts';
import { checkRepo, checkRevision, unsafeReason } from '../../../src/model/hub/names.ts';
import { linkExpiry, redirectedLink } from '../../../src/model/hub/resolve.ts';
import { decideRetry, readThrottle } from '../../../src/model/hub/retry.ts';
import { makeScratch } from '../scratch-dir.ts';

describe('file names from the hub', () => {
  it.each(['config.json', 'a/b/c.bin', '.gitattributes', 'ünï/çødé', 'a..b', '...'])(
    '%s is taken',
    (path) => {
      expect(unsafeReason(path)).toBeNull();
    },
  );
  it.each([
    '',
    '/a',
    '../a',
    'a/../b',
    'a/./b',
    'a//b',
    'a/',
    'C:x',
    'a\\b',
    'a\0b',
    'a\nb',
    'x'.repeat(256),
  ])('%j is refused', (path) => {
    expect(unsafeReason(path)).not.toBeNull();
  });
});

describe('repositories and revisions', () => {
  it.each(['a/b', 'tacos4me/Step-3.5-Flash-NVFP4'])('%s is a repository', (repo) => {
    expect(() => checkRepo(repo)).not.toThrow();
  });
  it.each(['a', 'a/b/c', '../b', 'a/..', 'a--b/c', 'a b/c', ''])('%j is none', (repo) => {
    expect(() => checkRepo(repo)).toThrow(expect.objectContaining({ code: 'STEP_USAGE' }));
  });
  it.each(['main', 'refs/pr/1', 'v1.0', 'f'.repeat(40)])('%s is a revision', (revision) => {
    expect(() => checkRevision(revision)).not.toThrow();
  });
  it.each(['../x', '', 'a b', 'a:b', '/x'])('%j is none', (revision) => {
    expect(() => checkRevision(revision)).toThrow(expect.objectContaining({ code: 'STEP_USAGE' }));
  });
});

describe('pages and links', () => {
  const base = new URL('https://hub/api/x?cursor=1');
  it.each([
    ['<https://hub/api/x?cursor=2>; rel="next"', 'https://hub/api/x?cursor=2'],
    ['</y>; rel="prev", </api/x?cursor=3>; rel=next', 'https://hub/api/x?cursor=3'],
    ['<https://hub/a>; rel="last"', undefined],
    [null, undefined],
  ])('%s leads to %s', (header, expected) => {
    expect(nextLink(header, base)?.href).toBe(expected);
  });

  it.each([
    ['https://cdn/x?Expires=1800000000', 1_800_000_000_000],
    ['https://cdn/x?X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600', Date.UTC(2026, 0, 1, 1)],
    ['https://cdn/x', null],
  ])('%s ends at %s', (url, expected) => {
    expect(linkExpiry(new URL(url))).toBe(expected);
  });

  it('a link that left the hub is never trusted with the token again', () => {
    const start = { url: new URL('https://hub/a'), expiresAtMs: null, isHub: true };
    expect(redirectedLink(start, new URL('https://hub/b')).isHub).toBe(true);
    const outside = redirectedLink(start, new URL('https://cdn/b'));
    expect(outside.isHub).toBe(false);
    expect(redirectedLink(outside, new URL('https://hub/c')).isHub).toBe(false);
    expect(redirectedLink(start, new URL('http://hub/b')).isHub).toBe(false);
  });
});

describe('a retry', () => {
  const policy = { maxFailures: 3, backoffFirstMs: 100, backoffMaxMs: 300, maxThrottleMs: 5000 };
  it.each([
    [
      { failures: 1, status: null, throttleMs: null },
      { action: 'retry', waitMs: 50, throttled: false },
    ],
    [
      { failures: 3, status: 500, throttleMs: null },
      { action: 'retry', waitMs: 150, throttled: false },
    ],
    [{ failures: 4, status: 500, throttleMs: null }, { action: 'give-up' }],
    [{ failures: 1, status: 404, throttleMs: null }, { action: 'give-up' }],
    [{ failures: 4, status: null, throttleMs: null, isAbsent: true }, { action: 'give-up' }],
    [
      { failures: 1, status: 429, throttleMs: 2000 },
      { action: 'retry', waitMs: 2000, throttled: true },
    ],
    [
      { failures: 1, status: 429, throttleMs: 9000 },
      { action: 'retry', waitMs: 5000, throttled: true },
    ],
    [
      { failures: 1, status: 503, throttleMs: 700 },
      { action: 'retry', waitMs: 700, throttled: true },
    ],
  ])('of %j is %j', (input, expected) => {
    expect(decideRetry(input, policy, 0)).toEqual(expected);
  });

  it.each([
    [{ rateLimit: '"resolvers";r=0;t=41', retryAfter: null }, 41_000],
    [{ rateLimit: null, retryAfter: '7' }, 7000],
    [{ rateLimit: null, retryAfter: 'Thu, 01 Jan 1970 00:00:09 GMT' }, 8000],
    [{ rateLimit: null, retryAfter: null }, null],
    [{ rateLimit: 'nonsense', retryAfter: 'soon' }, null],
  ])('after %j waits %s ms', (headers, expected) => {
    expect(readThrottle(headers, 1000)).toBe(expected);
  });
});

describe('the environment', () => {
  it('follows the order of huggingface_hub', async () => {
    const home = await makeScratch();
    await mkdir(join(home, 'hf'));
    await writeFile(join(home, 'hf', 'token'), ' hf_file \n');
    const env = { HF_HOME: join(home, 'hf') };
    expect(hubSettings(env)).toEqual({
      endpoint: 'https://huggingface.co',
      token: 'hf_file',
      tokenSource: `the file ${join(home, 'hf', 'token')}`,
      cacheDir: join(home, 'hf', 'hub'),
      offline: false,
    });
    expect(hubSettings({ ...env, HF_TOKEN: 'hf_env', HUGGING_FACE_HUB_TOKEN: 'hf_old' })).toMatchObject({
      token: 'hf_env',
      tokenSource: 'HF_TOKEN',
    });
    expect(hubSettings({ ...env, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' }).token).toBeNull();
    expect(hubSettings({ ...env, HF_ENDPOINT: 'https://mirror/hf/', HF_HUB_OFFLINE: 'YES' })).toMatchObject({
      endpoint: 'https://mirror/hf',
      offline: true,
    });
    expect(
      hubSettings({ HF_HUB_CACHE: '$ROOT/x', HUGGINGFACE_HUB_CACHE: '/old', ROOT: '/data' }).cacheDir,
    ).toBe('/data/x');
    expect(hubSettings({ XDG_CACHE_HOME: '/xdg' }).cacheDir).toBe('/xdg/huggingface/hub');
  });
});
