import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { explainFailure } from '../../src/doctor/checks/docker.ts';
import { countRedirecting, judgeIommu } from '../../src/doctor/checks/iommu.ts';
import { lockedLimit } from '../../src/doctor/checks/memlock.ts';
import { judgeNode } from '../../src/doctor/checks/platform.ts';
import { sumByDisk } from '../../src/doctor/checks/storage.ts';
import { parseTenants } from '../../src/doctor/checks/tenants.ts';
import { toolkitVersion } from '../../src/doctor/checks/toolkit.ts';
import { findXids, judgeXids } from '../../src/doctor/checks/xid.ts';
import { cudaOfBuild, lowestDriver } from '../../src/doctor/gpu/cuda.ts';
import { containerOf, findOrphans } from '../../src/doctor/processes.ts';
import { bigGpu, checkOf, makeFolder, makePrograms, makeRoot, stackOf } from './helpers.ts';

const two = [bigGpu(0), bigGpu(1)];
const big = 'step-3.5-flash-nvfp4';

describe('the CUDA of a build is read off its name, by the convention that turned around at 0.20.0', () => {
  test.each([
    ['0.16.0', 'vllm/vllm-openai:v{vllm}-cu130', '13.0'],
    ['0.16.0', 'vllm/vllm-openai:v{vllm}', '12.9'],
    ['0.19.1', 'docker.io/vllm/vllm-openai:v0.19.1', '12.9'],
    ['0.20.0', 'vllm/vllm-openai:v{vllm}', '13.0'],
    ['0.32.0', 'vllm/vllm-openai:v{vllm}-cu129', '12.9'],
    ['0.32.0', 'vllm/vllm-openai:v0.32.0@sha256:abc', '13.0'],
    ['0.32.0', 'registry.local/mine:1', null],
  ])('vLLM %s in %s: CUDA %s', async (vllm, image, cuda) => {
    const stack = await stackOf(big, [`engine.vllm=${vllm}`, `engine.image=${image}`]);
    expect(cudaOfBuild(stack)?.version ?? null).toBe(cuda);
  });

  test.each([
    ['13.0', ['12.0'], 580],
    ['12.9', ['12.0'], 570],
    ['12.9', ['9.0'], 525],
    ['14.1', ['12.0'], null],
  ])('CUDA %s on compute %s needs driver %s', (cuda, capabilities, lowest) => {
    expect(lowestDriver(cuda, capabilities)).toBe(lowest);
  });

  test('an image whose name tells nothing is a warning with the command that tells', async () => {
    const found = await checkOf('driver', big, { gpus: two, sets: ['engine.image=registry.local/mine:1'] });
    expect(found).toMatchObject({
      status: 'warn',
      advice: expect.stringContaining('CUDA_VERSION') as string,
    });
  });
});

test.each([
  ['v20.20.2', '2026-11-25', 'fail'],
  ['v22.19.0', '2026-11-25', 'pass'],
  ['v22.19.0', '2027-05-01', 'warn'],
  ['v25.1.0', '2026-11-25', 'warn'],
  ['v24.21.0', '2026-11-25', 'pass'],
  ['v30.0.0', '2026-11-25', 'pass'],
])('Node %s on %s is judged %s', (version, day, status) => {
  expect(judgeNode(version, Date.parse(day)).status).toBe(status);
});

describe('Xid errors', () => {
  const log = [
    'NVRM: Xid (PCI:0000:01:00): 79, pid=1, GPU has fallen off the bus.',
    'NVRM: Xid (PCI:0000:01:00): 79, pid=2, again',
    'NVRM: Xid (PCI:0000:21:00): 31, pid=77, name=python',
  ].join('\n');

  test('are counted by card and number', () => {
    expect(findXids(log)).toEqual([
      { busId: '0000:01:00', code: 79, count: 2 },
      { busId: '0000:21:00', code: 31, count: 1 },
    ]);
  });

  test.each([
    ['', 'pass', 'no Xid'],
    [log, 'warn', '2× Xid 79 on 0000:01:00 (the GPU fell off the bus)'],
    ['NVRM: Xid (PCI:0000:01:00): 31, pid=1', 'pass', 'of programs'],
    ['NVRM: Xid (PCI:0000:01:00): 999, pid=1', 'warn', 'unknown'],
  ])('%j is judged %s', (text, status, part) => {
    const verdict = judgeXids(findXids(text));
    expect(verdict.status).toBe(status);
    expect(verdict.evidence).toContain(part);
  });

  test('the journal is asked where dmesg is forbidden, and neither is told as not looked at', async () => {
    const journal = await makePrograms({
      dmesg: 'echo "dmesg: read kernel buffer failed: Operation not permitted" >&2; exit 1',
      journalctl: `echo "${log.split('\n')[0] ?? ''}"`,
    });
    expect((await checkOf('xid', big, { gpus: two, env: { PATH: journal } })).status).toBe('warn');
    const neither = await makePrograms({ dmesg: 'exit 1', journalctl: 'exit 1' });
    expect(await checkOf('xid', big, { gpus: two, env: { PATH: neither } })).toMatchObject({
      status: 'skipped',
      advice: 'sudo dmesg | grep -i xid',
    });
  });
});

describe('IOMMU and ACS (vllm#51513)', () => {
  const facts = (kinds: string[], redirectingBridges: number | null = 0) => ({
    active: true,
    kinds,
    redirectingBridges,
  });
  test.each([
    ['no IOMMU', { active: false, kinds: [], redirectingBridges: 3 }, 'on', 'pass'],
    ['passes addresses through', facts(['identity']), 'on', 'pass'],
    ['translates, peer writes off', facts(['DMA-FQ']), 'safe', 'pass'],
    ['translates, to be tested', facts(['DMA']), 'auto', 'warn'],
    ['translates, peer writes on', facts(['identity', 'DMA']), 'on', 'fail'],
    ['ACS redirects', facts(['identity'], 2), 'on', 'fail'],
    ['ACS not visible', facts(['identity'], null), 'on', 'pass'],
  ] as const)('%s: %j with peerToPeer %s is judged %s', (_title, seen, peerToPeer, status) => {
    expect(judgeIommu(seen, peerToPeer).status).toBe(status);
  });

  test.each([
    ['ACSCtl:\tSrcValid+ TransBlk- ReqRedir+ CmpltRedir+\nACSCtl: SrcValid- ReqRedir-', 1],
    ['Capabilities: <access denied>', null],
    ['no capability of the kind', 0],
  ])('lspci %j', (text, count) => {
    expect(countRedirecting(text)).toBe(count);
  });

  test('the group of each GPU is looked up in sysfs', async () => {
    const root = await makeRoot({
      'sys/class/iommu/dmar0/x': '',
      'sys/kernel/iommu_groups/7/type': 'DMA-FQ\n',
      'sys/bus/pci/devices/0000:01:00.0/x': '',
    });
    await symlink(
      join(root, 'sys/kernel/iommu_groups/7'),
      join(root, 'sys/bus/pci/devices/0000:01:00.0/iommu_group'),
    );
    const gpus = two.map((gpu) => ({ ...gpu, details: { ...gpu.details, busId: '00000000:01:00.0' } }));
    const env = { PATH: await makePrograms({}) };
    const found = await checkOf('iommu', big, { gpus, root, env, sets: ['serve.peerToPeer=on'] });
    expect(found).toMatchObject({
      status: 'fail',
      evidence: expect.stringContaining('type DMA-FQ') as string,
    });
  });
});

describe('orphaned engine cores (vllm#47266)', () => {
  const row = (pid: number, ppid: number, command: string) => ({ pid, ppid, command, container: null });
  test.each([
    [
      'served',
      [
        row(1, 0, 'init'),
        row(5, 1, 'python -m vllm serve'),
        row(6, 5, 'VLLM::EngineCore'),
        row(7, 6, 'VLLM::Worker_TP0'),
      ],
      [],
    ],
    ['server gone', [row(1, 0, 'init'), row(6, 1, 'VLLM::EngineCore'), row(7, 6, 'VLLM::Worker')], [6, 7]],
    [
      'taken in by a session manager',
      [row(1, 0, 'init'), row(3, 1, '/usr/lib/systemd/systemd --user'), row(6, 3, 'VLLM::EngineCore')],
      [6],
    ],
    ['none', [row(1, 0, 'init')], []],
  ])('%s', (_title, rows, pids) => {
    expect(findOrphans(rows).map(({ pid }) => pid)).toEqual(pids);
  });

  test('are found in /proc with the container they run in', async () => {
    const id = '0123456789abcdef'.repeat(4);
    const root = await makeRoot({
      'proc/1/stat': '1 (init) S 0 1 1',
      'proc/42/stat': '42 (VLLM::EngineCor) S 1 42 42',
      'proc/42/cmdline': 'VLLM::EngineCore',
      'proc/42/cgroup': `0::/system.slice/docker-${id}.scope\n`,
    });
    const found = await checkOf('orphans', 'tiny-cpu', { root });
    expect(found).toMatchObject({
      status: 'warn',
      evidence: 'pid 42 (VLLM::EngineCore, container 0123456789ab)',
    });
  });

  test.each([
    ['0::/user.slice', null],
    [`12:pids:/docker/${'ab'.repeat(32)}`, 'ab'.repeat(6)],
  ])('cgroup %j', (text, id) => {
    expect(containerOf(text)).toBe(id);
  });
});

test.each([
  [
    '4711, GPU-1, VLLM::EngineCore, 87990',
    { pid: 4711, name: 'VLLM::EngineCore', usedBytes: 87_990 * 1024 * 1024 },
  ],
  ['4711, GPU-1, /opt/a, b, [N/A]', { name: '/opt/a, b', usedBytes: null }],
])('a line of the compute programs: %s', (line, expected) => {
  expect(parseTenants(line)).toEqual([expect.objectContaining(expected)]);
});

test.each([
  ['Max locked memory         8388608              8388608              bytes', 8_388_608],
  ['Max locked memory         unlimited            unlimited            bytes', Infinity],
  ['garbage', null],
])('limits %j', (text, limit) => {
  expect(lockedLimit(text)).toBe(limit);
});

test.each([
  ['nvidia-ctk', 'NVIDIA Container Toolkit CLI version 1.16.1\ncommit: x', '1.16.1', 'warn', 'CVE-2024-0132'],
  ['nvidia-container-cli', 'cli-version: 1.17.7\nlib-version: 1.17.7', '1.17.7', 'warn', 'CVE-2025-23266'],
  ['nvidia-ctk', 'NVIDIA Container Toolkit CLI version 1.18.2', '1.18.2', 'pass', 'floor of 1.17.8'],
])('%s says %j: version %s is judged %s', async (program, text, version, status, part) => {
  expect(toolkitVersion(text)).toBe(version);
  const env = { PATH: await makePrograms({ [program]: `printf '%s' '${text}'` }) };
  const found = await checkOf('container-toolkit', big, { gpus: two, env });
  expect(found.status).toBe(status);
  expect(found.evidence).toContain(part);
});

test.each([
  ['ENOENT', 'install Docker Engine'],
  ['EACCES', 'usermod -aG docker'],
  ['ECONNREFUSED', 'systemctl start docker'],
])('a Docker socket that answers %s is told with its cure', (code, part) => {
  const verdict = explainFailure(Object.assign(new Error(code), { code }), '/var/run/docker.sock');
  expect(verdict.status).toBe('fail');
  expect(verdict.advice).toContain(part);
});

test('a daemon that takes the call and never answers is given up in time', async () => {
  const path = join(await makeFolder(), 'docker.sock');
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen({ path }, resolve));
  onTestFinished(() => void server.close());
  const found = await checkOf('docker', big, {
    gpus: two,
    budgetMs: 400,
    env: { DOCKER_HOST: `unix://${path}` },
  });
  expect(found).toMatchObject({ status: 'fail', advice: 'sudo systemctl restart docker' });
});

test('room is added up where places are on one disk', () => {
  const place = (what: string, device: number, bytes: number) => ({
    what,
    folder: `/${what}`,
    device,
    free: 100,
    bytes,
  });
  expect(sumByDisk([place('model', 1, 60), place('image', 1, 50), place('caches', 2, 5)])).toEqual([
    { folders: '/model, /image', free: 100, bytes: 110, what: 'model 0 MB, image 0 MB' },
    { folders: '/caches', free: 100, bytes: 5, what: 'caches 0 MB' },
  ]);
});

describe('clock', () => {
  test.each([
    ['behind', '2020-01-01', 'echo yes', 'fail'],
    ['kept', '2026-12-01', 'echo yes', 'pass'],
    ['kept by nobody', '2026-12-01', 'echo no', 'warn'],
    ['not told', '2026-12-01', 'exit 1', 'pass'],
  ])('%s', async (_title, day, program, status) => {
    const env = { PATH: await makePrograms({ timedatectl: program }) };
    const root = await makeRoot({});
    expect((await checkOf('clock', big, { env, root, now: () => Date.parse(day) })).status).toBe(status);
  });
});

describe('state of the model', () => {
  const repo = 'models--tacos4me--Step-3.5-Flash-NVFP4';
  const commit = 'a'.repeat(40);
  const index = JSON.stringify({ weight_map: { a: 'one.safetensors', b: 'two.safetensors' } });
  const whole = {
    [`${repo}/refs/main`]: commit,
    [`${repo}/snapshots/${commit}/config.json`]: '{}',
    [`${repo}/snapshots/${commit}/model.safetensors.index.json`]: index,
    [`${repo}/snapshots/${commit}/one.safetensors`]: '1',
  };
  test.each([
    ['absent', {}, 'pass', 'absent'],
    ['a shard missing', whole, 'warn', 'partial: 2 of 3 files'],
    ['a file under way', { ...whole, [`${repo}/blobs/x.incomplete`]: '' }, 'warn', '1 files under way'],
    [
      'present',
      { ...whole, [`${repo}/snapshots/${commit}/two.safetensors`]: '2' },
      'pass',
      'present: 2 shards',
    ],
  ])('%s', async (_title, files, status, part) => {
    const cache = await makeRoot(files);
    const found = await checkOf('model-cache', big, { env: { HF_HUB_CACHE: cache } });
    expect(found.status).toBe(status);
    expect(found.evidence).toContain(part);
  });

  test('a folder that is not there blocks', async () => {
    expect((await checkOf('model-cache', 'tiny-cpu', { sets: ['model.path=/nonexistent'] })).status).toBe(
      'fail',
    );
  });

  test('files of another user are told from missing ones', async () => {
    const dir = join(await makeFolder(), 'model');
    await mkdir(dir);
    await writeFile(join(dir, 'config.json'), '{}');
    await writeFile(join(dir, 'a.safetensors'), '');
    await chmod(join(dir, 'a.safetensors'), 0);
    const found = await checkOf('model-cache', 'tiny-cpu', { sets: [`model.path=${dir}`] });
    // root may read everything: then there is nothing to tell.
    expect(found.status).toBe(process.getuid?.() === 0 ? 'pass' : 'fail');
  });
});
