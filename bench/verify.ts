/**
 * How fast `verify --full` is beside `openssl dgst -sha256` on as many processes as there are cores: `node
 * bench/verify.ts [--dir DIR] [--mib 256] [--shards 8] [--rounds 3]`. Both read the same files, warm in the page cache,
 * turn and turn about. Prints GB/s, CPU seconds a GiB, and the ratio.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { silentReporter } from '../src/lib/index.ts';
import { pullModel, serveHub, verifyModel } from '../src/model/index.ts';
import { writeShards } from './model/shards.ts';

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: tmpdir() },
    mib: { type: 'string', default: '256' },
    shards: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '3' },
  },
});
const repo = 'bench/shards';
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const { signal } = new AbortController();

interface Run {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** CPU time of this process and of the children it has waited for. */
const cpuNow = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

async function measure(work: () => Promise<number>): Promise<Run> {
  const start = performance.now();
  const before = cpuNow();
  const childCpu = await work();
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: cpuNow() - before + childCpu };
}

/** openssl over all files, the cores sharing them; returns the CPU seconds of the children. */
async function runOpenssl(files: readonly string[]): Promise<number> {
  const script = `printf '%s\\0' "$@" | xargs -0 -n 1 -P ${availableParallelism()} openssl dgst -sha256 >/dev/null; times`;
  const child = spawn('bash', ['-c', script, 'sh', ...files], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  child.on('error', reject);
  child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`openssl ended with ${code}`))));
  await promise;
  const children = text.trim().split('\n').at(-1) ?? '';
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, one) => sum + Number(one[1]) * 60 + Number(one[2]),
    0,
  );
}

const best = (runs: readonly Run[]): Run =>
  runs.toSorted((a, b) => a.seconds - b.seconds)[0] ?? { seconds: Infinity, cpuSeconds: 0 };

const scratch = await mkdtemp(join(values.dir, 'stepctl-bench-verify-'));
try {
  const source = join(scratch, 'model');
  const bytes = await writeShards(source, Number(values.shards), Number(values.mib));
  const hub = await serveHub({ repos: { [repo]: source } });
  const cacheDir = join(scratch, 'cache');
  const subject = { repo, revision: 'main', cacheDir, reporter: silentReporter, signal };
  const pulled = await pullModel({ ...subject, endpoint: hub.url, token: null });
  await hub.close();
  const blobs = join(pulled.snapshotDir, '..', '..', 'blobs');
  const files = (await readdir(blobs)).filter((name) => name.length === 64).map((name) => join(blobs, name));
  const peers: Run[] = [];
  const ours: Run[] = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    peers.push(await measure(() => runOpenssl(files)));
    ours.push(
      await measure(async () => {
        const report = await verifyModel({ ...subject, mode: 'full' });
        if (report.verdict !== 'ok') throw new Error('the verification failed');
        return 0;
      }),
    );
  }
  const [peer, own] = [best(peers), best(ours)];
  const line = (name: string, run: Run): string =>
    `${name.padEnd(28)} ${(bytes / run.seconds / 1e9).toFixed(2).padStart(6)} GB/s  ${run.seconds.toFixed(2)} s  ${((run.cpuSeconds * 2 ** 30) / bytes).toFixed(2)} CPU s/GiB`;
  say(
    `${values.shards} shards of ${values.mib} MiB, ${availableParallelism()} cores, best of ${values.rounds}`,
  );
  say(line(`openssl dgst, ${availableParallelism()} processes`, peer));
  say(line('stepctl verify --full', own));
  say(`ratio ${(peer.seconds / own.seconds).toFixed(2)} (at least 0.8 wanted)`);
} finally {
  await rm(scratch, { recursive: true, force: true });
}
