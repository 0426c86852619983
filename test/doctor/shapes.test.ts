import { expect, test } from 'vitest';
import { type DoctorReport, runDoctor } from '../../src/doctor/index.ts';
import type { ShapeName } from '../fixtures/nvidia-smi/shapes.ts';
import { makeFolder, makeRoot, makeSmi, stackOf } from './helpers.ts';

/** Of a machine with an IOMMU that passes addresses through, and a kernel log without Xid. */
const quietPrograms = { dmesg: 'echo "[ 0.0] Linux"', lspci: 'echo "ACSCtl: SrcValid- ReqRedir-"' };

async function examine(shape: ShapeName, profile: string, sets: string[] = []): Promise<DoctorReport> {
  return runDoctor({
    stack: await stackOf(profile, ['engine.driver=process', ...sets]),
    env: { HOME: await makeFolder(), PATH: await makeSmi(shape, quietPrograms) },
    root: await makeRoot({ 'proc/cmdline': 'quiet' }),
    now: () => Date.parse('2026-11-25'),
    // Fake programs are whole Node processes: on a busy machine they need more than the default.
    budgetMs: 30_000,
  });
}

const columns = ['gpu', 'driver', 'gpu-health', 'gpu-tenants', 'pcie', 'peer-to-peer'] as const;
type Row = readonly [ShapeName, string, string];

/** One letter a column: pass, warn, fail, skipped. On the big profile with driver process: CUDA 13 by its wheel. */
const rows: readonly Row[] = [
  ['two RTX PRO 6000, driver 595', 'p p p p p p', 'PHB'],
  ['two RTX PRO 6000, driver 570', 'p f p p p p', 'needs 580'],
  ['one RTX PRO 6000', 'f p p p p p', 'this stack needs 2'],
  ['four RTX PRO 6000 Max-Q, driver 580', 'p p p p w p', 'cap 300 of 300 W'],
  ['one RTX 5090, driver 575', 'f f p p p p', 'this stack needs 2'],
  ['two RTX 3090, driver 530, old field names', 'f f p p p p', 'the weights take 53 GB of each'],
  ['one H100 cut into MIG', 'f f p p p p', 'this stack needs 2'],
  ['DGX Spark, memory shared with the CPU', 'f p p p p p', "the machine's memory"],
  ['two of which one is unwell', 'p p w p w p', 'hardware slowdown, hardware thermal slowdown'],
  [
    'two of which one is held by an orphan',
    'p p p f p p',
    'pid 4711 (VLLM::EngineCore) holds 85.9 GiB of GPU 1',
  ],
  [
    'two, and a program with little',
    'p p p w p p',
    'pid 815 (/usr/bin/blender, --background) holds 0.9 GiB of GPU 0',
  ],
  ['a driver without card', 'f s s s s s', 'lists no GPU'],
  ['an update without reboot', 'f s s s s s', 'reboot'],
  ['a card that fell off the bus', 'f s s s s s', 'Unable to determine the device handle'],
];

test.each(rows)('%s: %s', async (shape, letters, part) => {
  const report = await examine(shape, 'step-3.5-flash-nvfp4');
  const found = columns.map((id) => report.checks.find((check) => check.id === id)?.status[0]);
  expect(found.join(' ')).toBe(letters);
  expect(JSON.stringify(report.checks)).toContain(part);
  expect(
    report.checks.every(
      ({ status, advice }) => (status === 'pass') === (advice === null) || status === 'skipped',
    ),
  ).toBe(true);
});

test('a driver that hangs costs the time that was given, blocks with advice, and the others still speak', async () => {
  const report = await runDoctor({
    stack: await stackOf('step-3.5-flash-nvfp4'),
    env: {
      HOME: await makeFolder(),
      PATH: await makeSmi('a driver that hangs'),
      DOCKER_HOST: 'unix:///nonexistent',
    },
    budgetMs: 700,
  });
  expect(report.checks.find(({ id }) => id === 'gpu')).toMatchObject({
    status: 'fail',
    evidence: expect.stringContaining('no answer within') as string,
    advice: expect.stringContaining('nvidia-smi -pm 1') as string,
  });
  expect(report.checks.find(({ id }) => id === 'docker')?.evidence).toContain('does not exist');
});

test('what a GPU machine has does not bother a stack without one', async () => {
  const report = await examine('an update without reboot', 'demo', ['engine.driver=sim']);
  expect(report.checks.find(({ id }) => id === 'gpu')?.status).toBe('skipped');
});
