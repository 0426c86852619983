/**
 * How fast a pull is beside its peers, on loopback, every byte hashed: `node bench/download.ts [--dir DIR] [--mib 32]
 * [--shards 23]`. One hub process serves random shards; each client runs in a process of its own. Prints MB/s, CPU and
 * memory, and the ratio to the best peer present (aria2c and hf are measured when they are installed).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pullModel, serveHub } from '../src/model/index.ts';
import { silentReporter } from '../src/lib/index.ts';
import { writeShards } from './model/shards.ts';

const repo = 'bench/shards';
const self = fileURLToPath(import.meta.url);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Result {
  readonly name: string;
  readonly seconds: number;
  readonly note: string;
}

/** Runs a command to its end; throws when it fails. */
async function run(command: string, args: string[], env: Record<string, string> = {}): Promise<string> {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.on('error', reject);
  child.on('close', (code) =>
    code === 0 ? resolve(text) : reject(new Error(`${command} ended with ${code}`)),
  );
  return promise;
}

const isPresent = (command: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${command}`]).then(
    () => true,
    () => false,
  );

async function timed(name: string, work: () => Promise<string>): Promise<Result> {
  const start = performance.now();
  const note = await work();
  return { name, seconds: (performance.now() - start) / 1000, note };
}

/** Starts the hub in its own process; resolves with its address once it has hashed its shards. */
async function startHub(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [self, '--role', 'hub', '--dir', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  child.stdout.on('data', (chunk: Buffer) => resolve(chunk.toString().trim()));
  child.on('exit', () => reject(new Error('the hub ended')));
  return { child, url: await promise };
}

async function roleHub(dir: string): Promise<void> {
  const hub = await serveHub({ repos: { [repo]: dir } });
  await fetch(`${hub.url}/api/models/${repo}/tree/main?recursive=true`).then((answer) => answer.text());
  say(hub.url);
  process.stdin.on('end', () => void hub.close()).resume();
}

async function rolePull(url: string, cacheDir: string): Promise<void> {
  let peakRss = 0;
  const timer = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, 50);
  const signal = new AbortController().signal;
  await pullModel({
    repo,
    revision: 'main',
    endpoint: url,
    token: null,
    cacheDir,
    reporter: silentReporter,
    signal,
  });
  clearInterval(timer);
  const { user, system } = process.cpuUsage();
  say(`${((user + system) / 1e6).toFixed(2)} s CPU, ${Math.round(peakRss / 2 ** 20)} MiB RSS`);
}

async function measure(url: string, scratch: string, shardsDir: string): Promise<Result[]> {
  const names = await readdir(shardsDir);
  const urls = names.map((name) => `${url}/${repo}/resolve/main/${name}`);
  const results: Result[] = [];
  results.push(
    await timed('stepctl pull', async () =>
      (
        await run(process.execPath, [self, '--role', 'pull', '--url', url, '--dir', join(scratch, 'stepctl')])
      ).trim(),
    ),
  );
  results.push(
    await timed('curl + openssl sha256, two at a time', async () => {
      const out = join(scratch, 'curl');
      await mkdir(out);
      const script = `curl -sSL "$0" | tee "${out}/$(basename "$0")" | openssl dgst -sha256`;
      await run('sh', [
        '-c',
        `printf '%s\\n' "$@" | xargs -P2 -n1 sh -c '${script}' > /dev/null`,
        'sh',
        ...urls,
      ]);
      return '';
    }),
  );
  results.push(
    await timed('curl to nowhere, eight at a time (ceiling of the hub)', async () => {
      await run('sh', ['-c', `printf '%s\\n' "$@" | xargs -P8 -n1 curl -sSL -o /dev/null`, 'sh', ...urls]);
      return 'not hashed, not stored';
    }),
  );
  if (await isPresent('aria2c'))
    results.push(
      await timed('aria2c -j1 -x8, no checksum', async () =>
        run('aria2c', ['-q', '-x8', '-s8', '-k8M', '-j1', '-Z', '-d', join(scratch, 'aria2'), ...urls]),
      ),
    );
  if (await isPresent('hf'))
    results.push(
      await timed('hf download without Xet', async () => {
        await run('hf', ['download', repo], {
          HF_ENDPOINT: url,
          HF_HUB_DISABLE_XET: '1',
          HF_HUB_CACHE: join(scratch, 'hf'),
          HF_HUB_DISABLE_PROGRESS_BARS: '1',
        });
        return 'sizes only, no hash';
      }),
    );
  return results;
}

async function roleMain(base: string, shards: number, mib: number): Promise<void> {
  const scratch = await mkdtemp(join(base, 'stepctl-bench-'));
  try {
    const bytes = await writeShards(join(scratch, 'shards'), shards, mib);
    const hub = await startHub(join(scratch, 'shards'));
    try {
      const results = await measure(hub.url, scratch, join(scratch, 'shards'));
      say(`${shards} shards of ${mib} MiB, ${base}`);
      for (const { name, seconds, note } of results) {
        const ratio = (results[0]?.seconds ?? seconds) / seconds;
        say(
          `${name.padEnd(54)} ${(bytes / 1e6 / seconds).toFixed(0).padStart(6)} MB/s  stepctl is ${(1 / ratio).toFixed(2)}x  ${note}`,
        );
      }
    } finally {
      hub.child.stdin?.end();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    role: { type: 'string', default: 'main' },
    dir: { type: 'string', default: tmpdir() },
    url: { type: 'string', default: '' },
    mib: { type: 'string', default: '32' },
    shards: { type: 'string', default: '23' },
  },
});
if (values.role === 'hub') await roleHub(values.dir);
else if (values.role === 'pull') await rolePull(values.url, values.dir);
else await roleMain(values.dir, Number(values.shards), Number(values.mib));
