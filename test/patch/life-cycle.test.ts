import { describe, expect, it } from 'vitest';
import { describeLifeCycle, loadSeries, type OnBase, patchesDir } from '../../src/patch/index.ts';

const { patches } = await loadSeries(patchesDir());
const find = (id: string) => {
  const patch = patches.find((one) => one.id === id);
  if (patch === undefined) throw new Error(`no patch ${id}`);
  return patch;
};
const swiglustep = find('swiglustep-nvfp4-moe');
const mtp = find('step3p5-mtp-layer-types');
const fits = ['0.15.1', '0.16.0'];

describe('what follows from where a patch stands', () => {
  it.each([
    ['applies', true, 'raise the base to 0.17.0 and drop it; until then keep it'],
    [
      'applies',
      false,
      'ask for it on this base: --set patches=[swiglustep-nvfp4-moe], or raise the base to 0.17.0',
    ],
    ['already-upstream', true, 'drop it from patches: vLLM 0.16.0 has it'],
    ['already-upstream', false, 'nothing to do: vLLM 0.16.0 has it'],
    ['not-needed', true, 'drop it from patches: vLLM 0.16.0 does not need it'],
    ['not-needed', false, 'nothing to do on this base'],
    ['conflict', true, 'raise the base to 0.17.0 and drop it; it applies to 0.15.1, 0.16.0'],
    [
      'unknown',
      true,
      'not measured on this base: stepctl patch apply --to DIR --dry-run --only swiglustep-nvfp4-moe',
    ],
  ] as const)('%s, wanted %s: %s', (onBase: OnBase, isWanted, advice) => {
    const life = describeLifeCycle({ patch: swiglustep, base: '0.16.0', onBase, isWanted, fits });
    expect(life).toMatchObject({ state: 'merged', since: '0.17.0', advice });
  });

  it('a solution of another kind makes an open pull request superseded', () => {
    const life = describeLifeCycle({ patch: mtp, base: '0.32.0', onBase: 'applies', isWanted: false, fits });
    expect(life.state).toBe('superseded');
    expect(life.upstream).toContain('superseded by vLLM 0.33.0');
    expect(life.advice).toBe('optional; where you need it: --set patches=[step3p5-mtp-layer-types]');
  });

  it('what GitHub says now stands before what is shipped', () => {
    const fresh = { state: 'closed', since: null, isMoved: true } as const;
    const life = describeLifeCycle({
      patch: swiglustep,
      base: '0.16.0',
      onBase: 'applies',
      isWanted: true,
      fits,
      fresh,
    });
    expect(life).toMatchObject({ state: 'closed', since: '0.17.0' });
    expect(life.upstream).toContain('(asked now); pushed to since it was added');
  });
});
