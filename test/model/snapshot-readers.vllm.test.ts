import { execFile } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pullModel, serveHub } from '../../src/model/index.ts';
import { makeScratch } from './scratch-dir.ts';
import { makeModel, pullOptions, writeFiles } from './scratch.ts';

const run = promisify(execFile);
const cacheRoot = process.env['STEPCTL_TEST_CACHE'] ?? join(tmpdir(), 'stepctl-test-cache');

/** Python with a huggingface_hub in it; made once and kept for the next run. */
async function pythonWith(name: string, requirement: string): Promise<string> {
  const venv = join(cacheRoot, name);
  const python = join(venv, 'bin', 'python');
  const isReady = await access(join(venv, 'ready')).then(
    () => true,
    () => false,
  );
  if (isReady) return python;
  await mkdir(cacheRoot, { recursive: true });
  await run('python3', ['-m', 'venv', '--clear', venv]);
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement]);
  await mkdir(join(venv, 'ready'));
  return python;
}

const readOffline = `
import json, os, sys
from huggingface_hub import snapshot_download, scan_cache_dir, try_to_load_from_cache, __version__
folder = snapshot_download(sys.argv[1])
by_pattern = snapshot_download(sys.argv[1], allow_patterns=["*.safetensors"])
files = sorted(os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs)
info = scan_cache_dir()
print(json.dumps({
  "version": __version__, "folder": folder, "same": by_pattern == folder, "files": files,
  "config": try_to_load_from_cache(sys.argv[1], "config.json"),
  "repos": [r.repo_id for r in info.repos], "size": sum(r.size_on_disk for r in info.repos),
  "warnings": [str(w) for w in info.warnings],
}))
`;

interface Seen {
  version: string;
  folder: string;
  same: boolean;
  files: string[];
  config: string;
  repos: string[];
  size: number;
  warnings: string[];
}

describe.each([
  ['hf-newest', 'huggingface_hub'],
  ['hf-before-1.22', 'huggingface_hub<1.22'],
])('real huggingface_hub (%s)', (name, requirement) => {
  it('reads offline what stepctl pulled, and finds nothing odd in the cache', async () => {
    const python = await pythonWith(name, requirement);
    const dir = await makeScratch();
    const modelDir = await writeFiles(join(dir, 'model'), makeModel([90_000, 70_000]));
    const hub = await serveHub({ repos: { 'acme/tiny': modelDir } });
    const pulled = await pullModel(pullOptions(hub.url, join(dir, 'cache')));
    await hub.close();
    const env = {
      ...process.env,
      HF_HUB_CACHE: join(dir, 'cache'),
      HF_HUB_OFFLINE: '1',
      HF_HOME: join(dir, 'home'),
    };
    const { stdout } = await run(python, ['-c', readOffline, 'acme/tiny'], { env });
    const seen = JSON.parse(stdout) as Seen;
    expect(seen).toMatchObject({
      folder: pulled.snapshotDir,
      same: true,
      repos: ['acme/tiny'],
      warnings: [],
    });
    expect(seen.config).toBe(join(pulled.snapshotDir, 'config.json'));
    expect(seen.files).toHaveLength(pulled.files);
    expect(seen.size).toBe(pulled.bytesTotal);
  });

  it('misses a shard that is not there rather than serving half a snapshot', async () => {
    const python = await pythonWith(name, requirement);
    const dir = await makeScratch();
    const hub = await serveHub({
      repos: { 'acme/tiny': await writeFiles(join(dir, 'model'), makeModel([9000])) },
    });
    onTestFinished(() => hub.close());
    // Interrupted before its end: no ref, so an offline reader finds no snapshot at all.
    const stop = new AbortController();
    const reporter = {
      stage: (stage: string) => (stage === 'plan' ? stop.abort() : undefined),
      progress: () => {},
      warn: () => {},
    };
    const options = pullOptions(hub.url, join(dir, 'cache'), { signal: stop.signal, reporter });
    await expect(pullModel(options)).rejects.toMatchObject({ code: 'STEP_INTERRUPTED' });
    const env = {
      ...process.env,
      HF_HUB_CACHE: join(dir, 'cache'),
      HF_HUB_OFFLINE: '1',
      HF_HOME: join(dir, 'home'),
    };
    await expect(run(python, ['-c', readOffline, 'acme/tiny'], { env })).rejects.toThrow(
      'LocalEntryNotFoundError',
    );
  });

  it('downloads from the hub that stepctl carries, into the same blobs', async () => {
    const python = await pythonWith(name, requirement);
    const dir = await makeScratch();
    const hub = await serveHub({
      repos: { 'acme/tiny': await writeFiles(join(dir, 'model'), makeModel([90_000])) },
    });
    onTestFinished(() => hub.close());
    const env = {
      ...process.env,
      HF_ENDPOINT: hub.url,
      HF_HUB_CACHE: join(dir, 'cache'),
      HF_HOME: join(dir, 'home'),
    };
    const download =
      'import sys; from huggingface_hub import snapshot_download; print(snapshot_download(sys.argv[1]))';
    const { stdout } = await run(python, ['-c', download, 'acme/tiny'], { env });
    // What the real client left is adopted: nothing is fetched again.
    const pulled = await pullModel(pullOptions(hub.url, join(dir, 'cache')));
    expect(pulled.snapshotDir).toBe(stdout.trim());
    expect(pulled).toMatchObject({ bytesFetched: 0, bytesPresent: pulled.bytesTotal });
  });
});
