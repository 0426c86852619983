import { expect, test } from 'vitest';
import { describePlan, type PlanFacts } from '../../src/stack/index.ts';
import { resolveWith } from './helpers.ts';

const nothing: PlanFacts = {
  buildPresent: null,
  patchesApplying: null,
  modelPresent: null,
  modelPartialBytes: 0,
  engineRunning: null,
};

const actions = async (profile: string, facts: Partial<PlanFacts>, sets: string[] = []): Promise<string> => {
  const { stack } = await resolveWith({ profile, sets });
  return describePlan(stack, { ...nothing, ...facts })
    .map((step) => step.action)
    .join(' ');
};

test.each([
  ['a bare machine does everything', 'tiny-cpu', {}, [], 'do do do do do'],
  [
    'what is there is used again',
    'tiny-cpu',
    { buildPresent: '/env', modelPresent: '/snap', engineRunning: 'pid 1' },
    [],
    'reuse reuse reuse do do',
  ],
  ['the simulator needs no build', 'demo', {}, [], 'skip do do do do'],
  ['a folder is not pulled', 'demo', {}, ['model.path=/m'], 'skip skip do do do'],
  [
    'an external engine is only watched',
    'demo',
    {},
    ['engine.driver=external', 'engine.url=http://127.0.0.1:1'],
    'skip skip skip do do',
  ],
])('%s', async (_title, profile, facts, sets, expected) => {
  expect(await actions(profile, facts, sets)).toBe(expected);
});

test('the build says which patches apply and which the release does not need', async () => {
  const { stack } = await resolveWith({ profile: 'tiny-cpu' });
  const reason = (patchesApplying: readonly string[]): string =>
    describePlan(stack, { ...nothing, patchesApplying })[0]?.reason ?? '';
  expect(reason(['swiglustep-nvfp4-moe'])).toContain('applies swiglustep-nvfp4-moe');
  expect(reason([])).toContain('swiglustep-nvfp4-moe: not needed in vLLM 0.16.0');
});

test('a partial download says where it goes on', async () => {
  const { stack } = await resolveWith({ profile: 'tiny-cpu' });
  expect(describePlan(stack, { ...nothing, modelPartialBytes: 7 })[1]?.reason).toContain(
    'resuming after 7 bytes',
  );
});
