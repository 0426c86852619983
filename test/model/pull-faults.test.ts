import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pullModel } from '../../src/model/index.ts';
import { repoFolders } from '../../src/model/cache/layout.ts';
import {
  type FakeHub,
  type FaultRule,
  isPart,
  isResolve,
  isRevision,
  isTree,
  startFakeHub,
} from '../fixtures/fake-hub/fake-hub.ts';
import { makeScratch } from './scratch-dir.ts';
import { countProvedFiles, listen, makeModel, pullOptions, writeFiles } from './scratch.ts';

const KiB = 1024;
const isShardResolve: FaultRule['to'] = (request) =>
  isResolve(request) && request.path.endsWith('.safetensors');

/** name, the rules, and what the pull must come to: whole, or this code. */
const table: [fault: string, rules: FaultRule[], expected: 'whole' | string][] = [
  ['none', [], 'whole'],
  [
    'connection dropped inside a part, three times',
    [{ to: isPart, fault: { kind: 'drop', afterBytes: 70 * KiB }, times: 3 }],
    'whole',
  ],
  [
    'connection dropped before any byte, for ever',
    [{ to: isPart, fault: { kind: 'drop', afterBytes: 0 }, times: 999 }],
    'STEP_MODEL_HUB_UNREACHABLE',
  ],
  ['stall inside a part', [{ to: isPart, fault: { kind: 'stall', afterBytes: 40 * KiB } }], 'whole'],
  ['200 to one range', [{ to: isPart, fault: { kind: 'ignore-range' } }], 'whole'],
  ['200 to every range (#3778)', [{ to: isPart, fault: { kind: 'ignore-range' }, times: 999 }], 'whole'],
  ['Content-Range shifted by one, once', [{ to: isPart, fault: { kind: 'wrong-range' } }], 'whole'],
  [
    'Content-Range shifted by one, always',
    [{ to: isPart, fault: { kind: 'wrong-range' }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  ['gzip despite identity, once', [{ to: isPart, fault: { kind: 'gzip' } }], 'whole'],
  [
    'gzip despite identity, always',
    [{ to: isPart, fault: { kind: 'gzip' }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  ['gzip file list', [{ to: isTree, fault: { kind: 'gzip' } }], 'whole'],
  [
    'link expired (403) mid-way',
    [{ to: isPart, after: 2, fault: { kind: 'status', status: 403, body: 'Request has expired' } }],
    'whole',
  ],
  [
    'link gone (404 and 410)',
    [
      { to: isPart, fault: { kind: 'status', status: 404 } },
      { to: isPart, after: 1, fault: { kind: 'status', status: 410 } },
    ],
    'whole',
  ],
  [
    'every link refused (403)',
    [{ to: isPart, fault: { kind: 'status', status: 403, body: 'invalid range' }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  ['416, once', [{ to: isPart, fault: { kind: 'status', status: 416 } }], 'whole'],
  [
    '416, always (#2197)',
    [{ to: isPart, fault: { kind: 'status', status: 416 }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  [
    '429 with RateLimit t=1 on resolve',
    [
      {
        to: isResolve,
        fault: { kind: 'status', status: 429, headers: { ratelimit: '"resolvers";r=0;t=1' } },
      },
    ],
    'whole',
  ],
  [
    '429 with Retry-After on a part',
    [{ to: isPart, fault: { kind: 'status', status: 429, headers: { 'retry-after': '0' } } }],
    'whole',
  ],
  [
    '429 without headers, for ever',
    [{ to: isTree, fault: { kind: 'status', status: 429 }, times: 999 }],
    'STEP_MODEL_HUB_THROTTLED',
  ],
  [
    '500, 502, 503 in turn',
    [500, 502, 503].map((status, i) => ({
      to: isPart,
      after: i,
      fault: { kind: 'status', status } as const,
    })),
    'whole',
  ],
  [
    '500 for ever on the list',
    [{ to: isTree, fault: { kind: 'status', status: 500 }, times: 999 }],
    'STEP_MODEL_HUB_UNREACHABLE',
  ],
  [
    'one bit flipped in a shard, once',
    [{ to: isPart, fault: { kind: 'flip', at: 1000 }, times: 1 }],
    'whole',
  ],
  [
    'one bit flipped in a shard, always (#3643)',
    [{ to: isPart, fault: { kind: 'flip', at: 1000 }, times: 999 }],
    'STEP_MODEL_HASH_MISMATCH',
  ],
  [
    "the file server's copy is short",
    [{ to: isPart, fault: { kind: 'short-copy', byBytes: 10 }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  [
    'HTML instead of the list',
    [{ to: isTree, fault: { kind: 'html' }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  [
    'HTML instead of the revision',
    [{ to: isRevision, fault: { kind: 'html' }, times: 999 }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  ['HTML instead of a part', [{ to: isPart, fault: { kind: 'html' }, times: 999 }], 'STEP_MODEL_HUB_ANSWER'],
  [
    'mirror without X-Linked-* and X-Repo-Commit',
    [
      {
        to: isResolve,
        fault: { kind: 'headers', drop: ['x-linked-etag', 'x-linked-size', 'x-repo-commit'] },
        times: 999,
      },
    ],
    'whole',
  ],
  [
    'list and file disagree on the size',
    [{ to: isTree, fault: { kind: 'json', change: growShards } }],
    'STEP_MODEL_HUB_ANSWER',
  ],
  ['masked xetHash (#4595)', [{ to: isTree, fault: { kind: 'json', change: maskXet } }], 'whole'],
  [
    'unknown repository',
    [{ to: isRevision, fault: { kind: 'status', status: 404, headers: { 'x-error-code': 'RepoNotFound' } } }],
    'STEP_MODEL_REPO_UNKNOWN',
  ],
  [
    'unknown revision',
    [
      {
        to: isRevision,
        fault: { kind: 'status', status: 404, headers: { 'x-error-code': 'RevisionNotFound' } },
      },
    ],
    'STEP_MODEL_REVISION_UNKNOWN',
  ],
  [
    'gated',
    [
      {
        to: isShardResolve,
        fault: { kind: 'status', status: 403, headers: { 'x-error-code': 'GatedRepo' } },
        times: 999,
      },
    ],
    'STEP_MODEL_GATED',
  ],
  [
    'token refused',
    [
      {
        to: isRevision,
        fault: {
          kind: 'status',
          status: 401,
          headers: { 'x-error-message': 'Invalid credentials in Authorization header' },
        },
      },
    ],
    'STEP_MODEL_TOKEN_REFUSED',
  ],
  ...['../escape', '/etc/passwd', 'C:/windows', 'a\u0000b', 'a\\b', 'x/../../y'].map(
    (name): (typeof table)[number] => [
      `file named ${JSON.stringify(name)} (#4540)`,
      [{ to: isTree, fault: { kind: 'json', change: rename(name) } }],
      'STEP_MODEL_NAME_UNSAFE',
    ],
  ),
];

interface Entry {
  path: string;
  size: number;
  lfs?: { size: number };
}
function growShards(value: unknown): unknown {
  return (value as Entry[]).map((e) =>
    e.lfs === undefined ? e : { ...e, size: e.size + 1, lfs: { ...e.lfs, size: e.size + 1 } },
  );
}
function maskXet(value: unknown): unknown {
  return (value as Entry[]).map((e) => ({ ...e, xetHash: '*'.repeat(64) }));
}
function rename(name: string): (value: unknown) => unknown {
  return (value) =>
    (value as Entry[]).map((e, i) => (i === (value as Entry[]).length - 1 ? { ...e, path: name } : e));
}

describe('a pull under faults', () => {
  let hub: FakeHub;
  let dir: string;
  const seen: string[] = [];
  const shardBytes = [700 * KiB, 300 * KiB];

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'stepctl-faults-'));
    hub = await startFakeHub({ 'acme/tiny': await writeFiles(join(dir, 'model'), makeModel(shardBytes)) });
  });
  afterEach(() => hub.setFaults());
  afterAll(async () => {
    await hub.close();
    await rm(dir, { recursive: true, force: true });
    process.stdout.write(`${['fault | expected | seen | bytes served / needed', ...seen].join('\n')}\n`);
  });

  it.each(table)('%s', async (fault, rules, expected) => {
    const cacheDir = await makeScratch();
    hub.setFaults(...rules);
    hub.requests.length = 0;
    const told = listen();
    // Only the stall itself is worth a short patience: a busy machine would look like one.
    const tuning = fault.startsWith('stall') ? { stallWindowMs: 250 } : {};
    const result = await pullModel(pullOptions(hub.url, cacheDir, { reporter: told.reporter, tuning })).then(
      (pulled) => ({ code: 'whole', pulled, error: null }),
      (error: { code: string; next: string | null; reason: string | null }) => ({
        code: error.code,
        pulled: null,
        error,
      }),
    );
    const needed = shardBytes.reduce((a, b) => a + b, 0);
    seen.push(`${fault} | ${expected} | ${result.code} | ${(hub.bytesServed() / needed).toFixed(2)}`);
    expect(result.code, JSON.stringify(result.error)).toBe(expected);
    // The token went to the hub and nowhere else, whatever happened.
    expect(hub.requests.filter((r) => r.server === 'cdn').every((r) => r.authorization === null)).toBe(true);
    expect(
      hub.requests.filter((r) => r.server === 'hub').every((r) => r.authorization === 'Bearer hf_secret'),
    ).toBe(true);
    expect(JSON.stringify([told, result.error])).not.toContain('hf_secret');
    const folders = repoFolders(cacheDir, 'acme/tiny');
    if (result.pulled === null) {
      expect(result.error?.next).not.toBeNull();
      // No ref to half a snapshot.
      expect(await readdir(folders.refs).catch(() => [])).toEqual([]);
    } else {
      expect(await countProvedFiles(cacheDir, 'acme/tiny', result.pulled.commit)).toBe(6);
      expect((await readdir(folders.blobs)).every((name) => /^[0-9a-f]+$/.test(name))).toBe(true);
    }
    expect(await readdir(folders.own).catch(() => [])).not.toContain('owner.json');
  });
});
