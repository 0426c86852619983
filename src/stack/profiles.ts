import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StepError } from '../lib/index.ts';
import { isMapping, type Layer, type Problem } from './layers/layer.ts';
import { parseYamlLayer } from './layers/yaml-layer.ts';

/** First folder above this module that holds configs/profiles: the sources and the bundled package differ in depth. */
async function findProfilesDir(): Promise<string> {
  const tried: string[] = [];
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'configs', 'profiles');
    try {
      await readdir(candidate);
      return candidate;
    } catch (error) {
      tried.push(candidate);
      if (dirname(folder) === folder) {
        throw new StepError('STEP_FILE_UNREADABLE', {
          verdict: 'the shipped profiles are not there',
          reason: `none of these folders can be read: ${tried.join(', ')}`,
          next: 'install stepctl again',
          cause: error,
        });
      }
    }
  }
}

/** Names of the shipped profiles, sorted. */
export async function profileNames(): Promise<string[]> {
  const files = await readdir(await findProfilesDir());
  return files
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .toSorted();
}

/** One shipped profile as a layer, unchecked. The name must be one of `profileNames()`. */
export async function readProfile(name: string): Promise<{ layer: Layer; problems: readonly Problem[] }> {
  const file = join(await findProfilesDir(), `${name}.yaml`);
  return parseYamlLayer({
    text: await readFile(file, 'utf8'),
    file,
    kind: 'profile',
    label: `profile ${name}`,
  });
}

/** Shipped profiles with their one-sentence description. */
export async function listProfiles(): Promise<{ name: string; description: string }[]> {
  const names = await profileNames();
  return Promise.all(
    names.map(async (name) => {
      const { layer } = await readProfile(name);
      const description = isMapping(layer.values) ? layer.values['description'] : undefined;
      return { name, description: typeof description === 'string' ? description : '' };
    }),
  );
}
