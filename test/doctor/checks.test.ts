import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { dockerAddress } from '../../src/doctor/checks/docker.ts';
import { judgeCpu } from '../../src/doctor/checks/platform.ts';
import { type CheckResult, findPortHolder } from '../../src/doctor/index.ts';
import { checkOf, makeFolder, makePrograms } from './helpers.ts';

async function listen(
  server: Server,
  where: { path: string } | { port: number; host: string },
): Promise<number> {
  await new Promise<void>((resolve) => server.listen(where, resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const dockerSocket = async (answers: Readonly<Record<string, unknown>>): Promise<string> => {
  const path = join(await makeFolder(), 'docker.sock');
  await listen(
    createHttp((request, response) => response.end(JSON.stringify(answers[request.url ?? ''] ?? {}))),
    { path },
  );
  return `unix://${path}`;
};

test.each([
  ['v20.18.0', 'fail'],
  ['v22.18.0', 'fail'],
  ['v22.19.0', 'pass'],
  ['v24.1.0', 'pass'],
])('Node %s is judged %s', async (nodeVersion, status) => {
  expect((await checkOf('node', 'demo', { nodeVersion })).status).toBe(status);
});

test('a Docker daemon that answers passes with its version', async () => {
  const DOCKER_HOST = await dockerSocket({ '/version': { Version: '29.1.0', ApiVersion: '1.52' } });
  const found = await checkOf('docker', 'tiny-cpu', { sets: ['engine.driver=docker'], env: { DOCKER_HOST } });
  expect(found).toMatchObject({
    status: 'pass',
    evidence: expect.stringContaining('29.1.0 (API 1.52)') as string,
  });
});

test.each([
  ['known', { Runtimes: { runc: {}, nvidia: {} } }, 'pass'],
  ['found as a device', { DiscoveredDevices: [{ Source: 'cdi', ID: 'nvidia.com/gpu=all' }] }, 'pass'],
  ['unknown', { Runtimes: { runc: {} } }, 'warn'],
])('for GPUs the NVIDIA runtime has to be known to the daemon: %s', async (_title, info, status) => {
  const DOCKER_HOST = await dockerSocket({ '/version': { Version: '29.1.0' }, '/info': info });
  expect((await checkOf('docker', 'step-3.5-flash-nvfp4', { env: { DOCKER_HOST } })).status).toBe(status);
});

const ask = (DOCKER_HOST: string): Promise<CheckResult> =>
  checkOf('docker', 'tiny-cpu', { sets: ['engine.driver=docker'], env: { DOCKER_HOST } });

test('no socket, a socket nobody serves, and an answer of something else are told apart', async () => {
  const folder = await makeFolder();
  expect(await ask(`unix://${folder}/none.sock`)).toMatchObject({
    status: 'fail',
    advice: expect.stringContaining('install Docker') as string,
  });
  const other = join(folder, 'other.sock');
  await listen(
    createServer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello')),
    { path: other },
  );
  expect((await ask(`unix://${other}`)).evidence).toContain('not the answer of a Docker daemon');
  expect((await ask('ssh://host')).status).toBe('fail');
});

test('Docker is not looked at where the driver does not use it', async () => {
  expect((await checkOf('docker', 'demo')).status).toBe('skipped');
});

test.each([
  [undefined, { kind: 'socket', path: '/var/run/docker.sock' }],
  ['unix:///run/user/1/docker.sock', { kind: 'socket', path: '/run/user/1/docker.sock' }],
  ['tcp://127.0.0.1:2375', { kind: 'tcp', host: '127.0.0.1', port: 2375 }],
])('DOCKER_HOST %s is understood', (text, expected) => {
  expect(dockerAddress({ DOCKER_HOST: text })).toEqual(expected);
});

test.each([
  ['uv alone', { uv: 'echo uv 0.9.1', python3: 'exit 1' }, 'pass'],
  ['a fitting Python alone', { uv: 'exit 1', python3: 'echo 3.12.4' }, 'warn'],
  ['a Python that is too new', { uv: 'exit 1', python3: 'echo 3.15.0' }, 'fail'],
  ['a Python without venv', { uv: 'exit 1', python3: 'echo ModuleNotFoundError >&2; exit 1' }, 'fail'],
])('Python and uv: %s is judged %s', async (_title, programs, status) => {
  expect((await checkOf('python', 'tiny-cpu', { env: { PATH: await makePrograms(programs) } })).status).toBe(
    status,
  );
});

test.each([
  [['avx2', 'avx512f', 'amx_tile'], 'pass'],
  [['avx2'], 'warn'],
  [['sse4_2'], 'fail'],
])('a CPU with %s is judged %s', (flags, status) => {
  expect(judgeCpu(new Set(flags)).status).toBe(status);
});

test('a taken front door is refused with the process that holds it', async () => {
  const port = await listen(createServer(), { port: 0, host: '127.0.0.1' });
  expect(await findPortHolder(port)).toContain(`(pid ${process.pid})`);
  const found = await checkOf('port', 'demo', { sets: [`proxy.listen=127.0.0.1:${port}`] });
  expect(found).toMatchObject({
    status: 'fail',
    evidence: expect.stringContaining(`(pid ${process.pid})`) as string,
  });
});

test('an address that is not of this machine is refused before a start', async () => {
  const found = await checkOf('port', 'demo', { sets: ['proxy.listen=192.0.2.1:8000'] });
  expect(found).toMatchObject({ status: 'fail', evidence: '192.0.2.1 is no address of this machine' });
});

test('only the room that is still missing for the model counts', async () => {
  const home = await makeFolder();
  const blobs = join(home, '.cache/huggingface/hub/models--stepctl--tiny-step3p5-nvfp4/blobs');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(blobs, 'a'), Buffer.alloc(20 * 1024 * 1024));
  expect((await checkOf('disk', 'demo', { env: { HOME: home } })).evidence).toContain(
    'nothing more is needed',
  );
});

test('a cache that this user may not write is named', async () => {
  const home = await makeFolder();
  const cache = join(home, 'cache');
  await mkdir(cache);
  await chmod(cache, 0o555);
  const found = await checkOf('writable', 'demo', {
    env: { HF_HOME: cache, XDG_DATA_HOME: home, XDG_STATE_HOME: home, XDG_CONFIG_HOME: home },
  });
  // root may write everywhere: then there is nothing to tell.
  expect(found.status).toBe(process.getuid?.() === 0 ? 'pass' : 'fail');
});

test('a token is said to be there, never what it is', async () => {
  const home = await makeFolder();
  await writeFile(join(home, 'token'), 'hf_secretvalue');
  const found = await checkOf('hub-token', 'step-3.5-flash-nvfp4', { env: { HF_HOME: home } });
  expect(found).toMatchObject({ status: 'pass', evidence: `in ${join(home, 'token')}` });
  const inEnv = await checkOf('hub-token', 'step-3.5-flash-nvfp4', { env: { HF_TOKEN: 'hf_secretvalue' } });
  expect(JSON.stringify([found, inEnv])).not.toContain('secretvalue');
});

test.each([
  ['demo', 'skipped'],
  ['step-3.5-flash-nvfp4', 'pass'],
  ['step-3.5-flash-nvfp4-card', 'warn'],
])('advisories of %s: %s', async (profile, status) => {
  expect((await checkOf('advisories', profile)).status).toBe(status);
});
