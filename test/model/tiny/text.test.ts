import { beforeAll, describe, expect, it } from 'vitest';
import { architecture } from '../../../src/model/tiny/architecture.ts';
import { layOutTensors, type TinyFormat } from '../../../src/model/tiny/layout.ts';
import { buildTinyModel } from '../../../src/model/tiny/model.ts';
import { newline, thinkOpen } from '../../../src/model/tiny/texts.ts';
import { seedToken, type ScriptName } from '../../../src/model/tiny/vocabulary.ts';
import {
  generate,
  type Linear,
  type Mlp,
  readReference,
  type ReferenceLayer,
  type ReferenceModel,
} from './reference.ts';

const tiny = buildTinyModel({ seed: 1, swiglustep: true, router: 'sigmoid' });

function promptOf(script: ScriptName): number[] {
  // Ordinary bytes first, so that attention has something to look past.
  return ['H', 'i', thinkOpen, newline, seedToken(script)].map(tiny.vocabulary.idOf);
}

function say(model: ReferenceModel, script: ScriptName): string {
  const expected = tiny.plan.generated.get(script) ?? [];
  return toText(generate(model, promptOf(script), expected));
}

function toText(ids: readonly number[]): string {
  return ids.map((id) => tiny.vocabulary.tokens[id]).join('');
}

function truth(script: ScriptName): string {
  return toText(tiny.plan.generated.get(script) ?? []);
}

const loaded = new Map<TinyFormat, ReferenceModel>();

function load(format: TinyFormat): ReferenceModel {
  const model = loaded.get(format) ?? readReference(layOutTensors(tiny, format), format, 'sigmoid', true);
  loaded.set(format, model);
  return model;
}

const scripts = ['chat', 'tool', 'endless'] as const;

describe.each(['nvfp4', 'bf16'] as const)('a right load in %s', (format) => {
  it.each(scripts)('says the %s script', (script) => {
    expect(say(load(format), script)).toBe(truth(script));
  });
});

it.each([2, 3, 99])('says the chat script whatever the seed (%i)', (seed) => {
  const other = buildTinyModel({ seed, swiglustep: true, router: 'sigmoid' });
  const model = readReference(layOutTensors(other, 'nvfp4'), 'nvfp4', 'sigmoid', true);
  expect(say(model, 'chat')).toBe(truth('chat'));
});

it('says the chat script with softmax routing and without swiglustep, as stock vLLM for CPU runs it', () => {
  const plain = buildTinyModel({ seed: 1, swiglustep: false, router: 'softmax' });
  const model = readReference(layOutTensors(plain, 'bf16'), 'bf16', 'softmax', false);
  expect(say(model, 'chat')).toBe(truth('chat'));
});

it('continues raw text with the chat script', () => {
  const first = tiny.plan.generated.get('chat')?.[0] ?? -1;
  expect(generate(load('nvfp4'), [...'hi!'].map(tiny.vocabulary.idOf), [first])).toEqual([first]);
});

const moe = architecture.moeLayers;
const places = moe.flatMap((layer) =>
  Array.from({ length: architecture.experts }, (_, expert) => ({ layer, expert })),
);

function changeExperts(change: (mlp: Mlp, id: number, all: readonly Mlp[]) => Mlp) {
  return (layer: ReferenceLayer): ReferenceLayer => ({
    ...layer,
    experts: layer.experts.map((mlp, id, all) => change(mlp, id, all)),
  });
}

function scale(linear: Linear, factor: number): Linear {
  return {
    ...linear,
    matrix: { ...linear.matrix, values: linear.matrix.values.map((value) => value * factor) },
  };
}
function scaleAll(mlp: Mlp, factor: (linear: Linear) => number): Mlp {
  return {
    ...mlp,
    gate: scale(mlp.gate, factor(mlp.gate)),
    up: scale(mlp.up, factor(mlp.up)),
    down: scale(mlp.down, factor(mlp.down)),
  };
}

describe('a wrong load', () => {
  let model: ReferenceModel;
  beforeAll(() => {
    model = load('nvfp4');
  });

  /** The chat text of a copy in which `change` spoilt one layer. */
  function sayWith(layers: readonly number[], change: (layer: ReferenceLayer) => ReferenceLayer): string {
    const spoilt = model.layers.map((layer, index) => (layers.includes(index) ? change(layer) : layer));
    return say({ ...model, layers: spoilt }, 'chat');
  }

  it.each(places)('that lost expert $expert of layer $layer says so', ({ layer, expert }) => {
    const said = sayWith(
      [layer],
      changeExperts((mlp, id) => (id === expert ? scaleAll(mlp, () => 0) : mlp)),
    );
    expect(said).toContain('[an expert did not answer]');
  });

  it('that left an expert as garbage says something else', () => {
    const said = sayWith(
      [1],
      changeExperts((mlp, id) => (id === 3 ? scaleAll(mlp, () => NaN) : mlp)),
    );
    expect(said).not.toBe(truth('chat'));
  });

  it.each(places)(
    'whose expert $expert of layer $layer changed places with the next says something else',
    ({ layer, expert }) => {
      const other = (expert + 1) % architecture.experts;
      const said = sayWith(
        [layer],
        changeExperts(
          (mlp, id, all) => (id === expert ? all[other] : id === other ? all[expert] : mlp) ?? mlp,
        ),
      );
      expect(said).not.toBe(truth('chat'));
    },
  );

  it.each(moe)('whose expert ids are shifted by one in layer %i says something else', (layer) => {
    const said = sayWith(
      [layer],
      changeExperts((mlp, id, all) => all[(id + 1) % all.length] ?? mlp),
    );
    expect(said).not.toBe(truth('chat'));
  });

  it.each(moe)('that exchanged gate and up in layer %i says something else', (layer) => {
    const said = sayWith(
      [layer],
      changeExperts((mlp) => ({ ...mlp, gate: mlp.up, up: mlp.gate })),
    );
    expect(said).not.toBe(truth('chat'));
  });

  it('that runs silu where swiglustep belongs names the fault', () => {
    const said = sayWith(
      [3],
      changeExperts((mlp) => ({ ...mlp, activation: 'silu' })),
    );
    expect(said).toContain('[an expert computed wrongly]');
  });

  const parts = {
    'gate and up': ['gate', 'up'],
    down: ['down'],
    'all parts': ['gate', 'up', 'down'],
  } as const;
  const scalings = Object.keys(parts).flatMap((part) =>
    moe.flatMap((layer) => [
      { part, layer, how: 'never applied', factor: (linear: Linear) => linear.globalScale },
      { part, layer, how: 'applied twice', factor: (linear: Linear) => 1 / linear.globalScale },
    ]),
  );
  it.each(scalings)(
    'whose global scale of $part in layer $layer was $how says something else',
    ({ part, layer, factor }) => {
      const touched: readonly string[] = parts[part as keyof typeof parts];
      const said = sayWith(
        [layer],
        changeExperts((mlp) => ({
          ...mlp,
          gate: touched.includes('gate') ? scale(mlp.gate, factor(mlp.gate)) : mlp.gate,
          up: touched.includes('up') ? scale(mlp.up, factor(mlp.up)) : mlp.up,
          down: touched.includes('down') ? scale(mlp.down, factor(mlp.down)) : mlp.down,
        })),
      );
      expect(said).not.toBe(truth('chat'));
    },
  );

  it.each(places)(
    'that never scaled expert $expert of layer $layer alone says something else',
    ({ layer, expert }) => {
      const said = sayWith(
        [layer],
        changeExperts((mlp, id) => (id === expert ? scaleAll(mlp, (linear) => linear.globalScale) : mlp)),
      );
      expect(said).not.toBe(truth('chat'));
    },
  );

  it.each([0, 1, 2, 3])('that never wrote the attention gate of layer %i names the fault', (layer) => {
    const said = sayWith([layer], (given) => ({ ...given, g: scale(given.g, 0) }));
    expect(said).toContain('[an attention gate is lost]');
  });

  it.each([0, 1, 2, 3])('that lost the dense or shared MLP of layer %i names it', (layer) => {
    const said = sayWith([layer], (given) => ({ ...given, always: scaleAll(given.always, () => 0) }));
    expect(said).toContain(`[mlp of layer ${layer} is lost]`);
  });

  it.each([0, 1, 2, 3])('that lost the attention of layer %i names it', (layer) => {
    const said = sayWith([layer], (given) => ({ ...given, o: scale(given.o, 0) }));
    expect(said).toContain(`[attention of layer ${layer} is lost]`);
  });

  it.each(['tool', 'endless'] as const)(
    'that cannot look back says chat instead of %s after its reasoning',
    (script) => {
      const layers = model.layers.map((layer, index) =>
        index === 0 ? { ...layer, k: scale(layer.k, 0) } : layer,
      );
      expect(say({ ...model, layers }, script)).not.toBe(truth(script));
    },
  );
});
