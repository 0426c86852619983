import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Patch, patchesDir, type SeriesPlan } from '../../patch/index.ts';
import { sha256Of } from '../sha256.ts';

/** Entry point and module of the plugin through which the engine's processes say what they run. */
export const runtimeModule = 'stepctl_runtime_proof';

const placeholder = 'ASK = {"patches": []}';

const pluginSource = (): string =>
  readFileSync(join(patchesDir(), 'runtime-proof', `${runtimeModule}.py`), 'utf8');

/** Part of every content-addressed name: another plugin is another build. What it asks follows from release and patches. */
export const runtimeHash = (): string => sha256Of(pluginSource());

/** The plugin as a build with this plan carries it: which files it hashes, which probes it runs. */
export function runtimePlugin(plan: SeriesPlan): Patch {
  const patches = plan.patches.flatMap(({ id, outcome, edits, isProbed, patch }) => {
    const files = outcome === 'not-needed' ? [] : [...new Set(edits.flatMap((edit) => edit.file ?? []))];
    const probe = isProbed ? patch.probe : null;
    return files.length === 0 && probe === null ? [] : [{ id, files, probe }];
  });
  // A JSON text inside a JSON string is also a Python string literal.
  const ask = `ASK = json.loads(${JSON.stringify(JSON.stringify({ patches }))})`;
  const pluginText = pluginSource().replace(placeholder, () => ask);
  return {
    id: 'runtime-proof',
    folder: join(patchesDir(), 'runtime-proof'),
    definition: {
      id: 'runtime-proof',
      kind: 'plugin',
      title: 'The processes of the engine say what they run',
      range: '*',
      optional: false,
      testOnly: false,
      platform: 'cuda',
      plugin: {
        name: 'stepctl-runtime-proof',
        module: runtimeModule,
        function: 'register',
        file: `${runtimeModule}.py`,
      },
    },
    probe: null,
    pluginText,
    diff: null,
    origin: 'shipped',
    hash: sha256Of(pluginText),
  };
}
