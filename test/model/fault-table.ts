import type { PullTuning } from '../../src/model/index.ts';
import {
  type FaultRule,
  isPart,
  isResolve,
  isRevision,
  isTree,
  type SeenRequest,
} from '../fixtures/fake-hub/fake-hub.ts';
import type { Fault } from '../fixtures/fake-hub/fault.ts';

/** One way things go wrong, and what a pull must come to: a whole model, or a code. */
export interface FaultRow {
  readonly fault: string;
  readonly rules: readonly FaultRule[];
  readonly expected: string;
  /** Bytes served over bytes needed, at most; every refetch has to be paid for by the fault itself. */
  readonly ratioAtMost?: number;
  readonly tuning?: Partial<PullTuning>;
  /** Repository asked for; default `acme/tiny`. */
  readonly repo?: string;
  /** What the person must have been told, in a stage line or in the error. */
  readonly says?: RegExp;
}

const KiB = 1024;
const always = 999;
const isShardResolve = (request: SeenRequest): boolean =>
  isResolve(request) && request.path.endsWith('.safetensors');

const part = (fault: Fault, times = 1, after = 0): FaultRule => ({ to: isPart, fault, times, after });
const status = (code: number, more: { headers?: Record<string, string>; body?: string } = {}): Fault => ({
  kind: 'status',
  status: code,
  ...more,
});

interface Entry {
  path: string;
  size: number;
  lfs?: { size: number };
}
const growShards = (value: unknown): unknown =>
  (value as Entry[]).map((e) =>
    e.lfs === undefined ? e : { ...e, size: e.size + 1, lfs: { ...e.lfs, size: e.size + 1 } },
  );
const maskXet = (value: unknown): unknown =>
  (value as Entry[]).map((e) => ({ ...e, xetHash: '*'.repeat(64) }));
const renameLast =
  (name: string) =>
  (value: unknown): unknown =>
    (value as Entry[]).map((e, i) => (i === (value as Entry[]).length - 1 ? { ...e, path: name } : e));

const connectionFaults: FaultRow[] = [
  { fault: 'none', rules: [], expected: 'whole', ratioAtMost: 1 },
  {
    fault: 'connection dropped inside a part, three times',
    rules: [part({ kind: 'drop', afterBytes: 70 * KiB }, 3)],
    expected: 'whole',
    ratioAtMost: 1.3,
  },
  {
    fault: 'connection dropped before any byte, for ever',
    rules: [part({ kind: 'drop', afterBytes: 0 }, always)],
    expected: 'STEP_MODEL_HUB_UNREACHABLE',
  },
  {
    fault: 'stall inside a part',
    rules: [part({ kind: 'stall', afterBytes: 40 * KiB })],
    expected: 'whole',
    tuning: { stallWindowMs: 250 },
    ratioAtMost: 1.1,
    says: /reconnected: .*under 8192 bytes\/s for 250 ms/,
  },
  {
    fault: 'stall before any byte, for ever',
    rules: [part({ kind: 'stall', afterBytes: 0 }, always)],
    expected: 'STEP_MODEL_HUB_UNREACHABLE',
    tuning: { stallWindowMs: 60, maxFailures: 2 },
    says: /under 8192 bytes\/s/,
  },
  {
    fault: 'trickle at 1 KB/s',
    rules: [part({ kind: 'trickle', bytesPerSecond: 1000 })],
    expected: 'whole',
    tuning: { stallWindowMs: 300 },
    ratioAtMost: 1.1,
    says: /reconnected: /,
  },
];

const rangeFaults: FaultRow[] = [
  {
    fault: '200 to one range',
    rules: [part({ kind: 'ignore-range' })],
    expected: 'whole',
    ratioAtMost: 1.8,
  },
  {
    fault: '200 to every range (#3778)',
    rules: [part({ kind: 'ignore-range' }, always)],
    expected: 'whole',
    ratioAtMost: 7,
  },
  {
    fault: 'Content-Range shifted by one, once',
    rules: [part({ kind: 'wrong-range' })],
    expected: 'whole',
    ratioAtMost: 1.4,
  },
  {
    fault: 'Content-Range shifted by one, always',
    rules: [part({ kind: 'wrong-range' }, always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
  { fault: '416, once', rules: [part(status(416))], expected: 'whole', ratioAtMost: 1 },
  {
    fault: '416, always (#2197)',
    rules: [part(status(416), always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
];

const linkFaults: FaultRow[] = [
  {
    fault: 'link expired by the file server’s clock after two parts',
    rules: [part({ kind: 'expire' }, 1, 2)],
    expected: 'whole',
    ratioAtMost: 1,
    says: /renewed: a new link for .*Request has expired/,
  },
  {
    fault: '403 after 70 KiB: dropped, and the link is over',
    rules: [part({ kind: 'drop', afterBytes: 70 * KiB, expires: true }, 2)],
    expected: 'whole',
    ratioAtMost: 1.3,
    says: /renewed/,
  },
  {
    fault: 'link refused with 401, 403, 404 and 410 in turn',
    rules: [401, 403, 404, 410].map((code, i) => part(status(code), 1, i)),
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: '403 "invalid range" to a valid one, once (xet-core #897)',
    rules: [part(status(403, { body: 'invalid range' }))],
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: '403 "invalid range" to every link',
    rules: [part(status(403, { body: 'invalid range', headers: { 'x-amz-cf-id': 'ID-7' } }), always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
    says: /refuses 4 fresh links in a row: HTTP 403; invalid range; request ID-7/,
  },
];

const throttleFaults: FaultRow[] = [
  {
    fault: '429 with RateLimit t=1 on resolve',
    rules: [{ to: isResolve, fault: status(429, { headers: { ratelimit: '"resolvers";r=0;t=1' } }) }],
    expected: 'whole',
    says: /throttled: the hub asks for a pause \(429\): going on in [12] s/,
  },
  {
    fault: '429 with Retry-After on a part',
    rules: [part(status(429, { headers: { 'retry-after': '0' } }))],
    expected: 'whole',
    ratioAtMost: 1,
  },
  { fault: '429 without headers on a part', rules: [part(status(429))], expected: 'whole', ratioAtMost: 1 },
  {
    fault: '429 without headers, for ever',
    rules: [{ to: isTree, fault: status(429), times: always }],
    expected: 'STEP_MODEL_HUB_THROTTLED',
  },
  {
    fault: '500, 502, 503 in turn',
    rules: [500, 502, 503].map((code, i) => part(status(code), 1, i)),
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: '503 on the list and on resolve',
    rules: [
      { to: isTree, fault: status(503) },
      { to: isShardResolve, fault: status(503) },
    ],
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: '500 for ever on the list',
    rules: [{ to: isTree, fault: status(500), times: always }],
    expected: 'STEP_MODEL_HUB_UNREACHABLE',
  },
];

const redirectFaults: FaultRow[] = [
  {
    fault: 'renamed repository: 307 with a relative Location',
    rules: [],
    expected: 'whole',
    repo: 'acme/old',
  },
  {
    fault: 'the file server redirects to another origin',
    rules: [part({ kind: 'elsewhere', status: 302 }, 2)],
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: 'the file server redirects without end',
    rules: [part({ kind: 'elsewhere', status: 302 }, always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
    says: /redirects without end/,
  },
];

const answerFaults: FaultRow[] = [
  {
    fault: 'gzip despite identity, once',
    rules: [part({ kind: 'gzip' })],
    expected: 'whole',
    ratioAtMost: 1.5,
  },
  {
    fault: 'gzip despite identity, always',
    rules: [part({ kind: 'gzip' }, always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
  { fault: 'gzip file list', rules: [{ to: isTree, fault: { kind: 'gzip' } }], expected: 'whole' },
  {
    fault: 'mirror without X-Linked-* and X-Repo-Commit (#1796)',
    rules: [
      {
        to: isResolve,
        fault: { kind: 'headers', drop: ['x-linked-etag', 'x-linked-size', 'x-repo-commit'] },
        times: always,
      },
    ],
    expected: 'whole',
    ratioAtMost: 1,
  },
  {
    fault: 'masked xetHash (#4595)',
    rules: [{ to: isTree, fault: { kind: 'json', change: maskXet }, times: always }],
    expected: 'whole',
  },
  {
    fault: 'list and file disagree on the size',
    rules: [{ to: isTree, fault: { kind: 'json', change: growShards }, times: always }],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
  ...[isTree, isRevision].map((to): FaultRow => ({
    fault: `HTML instead of the ${to === isTree ? 'list' : 'revision'}`,
    rules: [{ to, fault: { kind: 'html' }, times: always }],
    expected: 'STEP_MODEL_HUB_ANSWER',
    says: /an HTML page came/,
  })),
  {
    fault: 'HTML instead of a part',
    rules: [part({ kind: 'html' }, always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
  ...['../escape', '/etc/passwd', 'C:/windows', 'a\u0000b', 'a\\b', 'x/../../y'].map((name): FaultRow => ({
    fault: `file named ${JSON.stringify(name)} (#4540)`,
    rules: [{ to: isTree, fault: { kind: 'json', change: renameLast(name) }, times: always }],
    expected: 'STEP_MODEL_NAME_UNSAFE',
  })),
];

const contentFaults: FaultRow[] = [
  {
    fault: 'one bit flipped in a shard, once',
    rules: [part({ kind: 'flip', at: 1000 })],
    expected: 'whole',
    ratioAtMost: 2,
  },
  {
    fault: 'one bit flipped in a shard, always (#3643)',
    rules: [part({ kind: 'flip', at: 1000 }, always)],
    expected: 'STEP_MODEL_HASH_MISMATCH',
    ratioAtMost: 2,
  },
  {
    fault: 'truncated shard: right headers, zeros from byte 500,000 on',
    rules: [part({ kind: 'zeros', from: 500_000 }, always)],
    expected: 'STEP_MODEL_HASH_MISMATCH',
    ratioAtMost: 2,
  },
  {
    fault: 'truncated shard: right length header, the body ends early for ever',
    rules: [part({ kind: 'drop', afterBytes: 10 * KiB }, always)],
    expected: 'STEP_MODEL_HUB_UNREACHABLE',
  },
  {
    fault: "the file server's copy is short",
    rules: [part({ kind: 'short-copy', byBytes: 10 }, always)],
    expected: 'STEP_MODEL_HUB_ANSWER',
  },
];

const refusals: FaultRow[] = [
  {
    fault: 'unknown repository',
    rules: [{ to: isRevision, fault: status(404, { headers: { 'x-error-code': 'RepoNotFound' } }) }],
    expected: 'STEP_MODEL_REPO_UNKNOWN',
  },
  {
    fault: 'unknown revision',
    rules: [{ to: isRevision, fault: status(404, { headers: { 'x-error-code': 'RevisionNotFound' } }) }],
    expected: 'STEP_MODEL_REVISION_UNKNOWN',
  },
  {
    fault: 'gated',
    rules: [
      {
        to: isShardResolve,
        fault: status(403, { headers: { 'x-error-code': 'GatedRepo' } }),
        times: always,
      },
    ],
    expected: 'STEP_MODEL_GATED',
  },
  {
    fault: 'token refused',
    rules: [
      {
        to: isRevision,
        fault: status(401, {
          headers: { 'x-error-message': 'Invalid credentials in Authorization header' },
        }),
      },
    ],
    expected: 'STEP_MODEL_TOKEN_REFUSED',
  },
];

/** The fault list of the hub protocol, row by row. */
export const faultTable: readonly FaultRow[] = [
  ...connectionFaults,
  ...rangeFaults,
  ...linkFaults,
  ...throttleFaults,
  ...redirectFaults,
  ...answerFaults,
  ...contentFaults,
  ...refusals,
];
