import { parse } from 'yaml';
import { isTextKey, type StackKey, stackKeys } from '../keys.ts';
import { nearestName } from '../../lib/index.ts';
import { type Layer, nestValue, noPlace, type Problem } from './layer.ts';

type Layers = { readonly layers: readonly Layer[]; readonly problems: readonly Problem[] };

const describeError = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';

/** YAML-typed value of a setting; text keys keep what was typed, so that a release `0.16` or a commit `1234567` stays text. */
const typeValue = (text: string, key: StackKey | undefined, insideEnv: boolean): unknown => {
  if (insideEnv) return text;
  if (key !== undefined && isTextKey(key.schema)) {
    return key.schema.safeParse(null).success && ['null', '~', ''].includes(text) ? null : text;
  }
  return parse(text) as unknown;
};

const makeLayer = (kind: 'environment' | 'set', label: string, path: string, text: string): Layers => {
  const key = stackKeys().find((candidate) => candidate.key === path);
  try {
    const values = nestValue(path.split('.'), typeValue(text, key, path.startsWith('serve.env.')));
    return { layers: [{ kind, label, values, locate: noPlace }], problems: [] };
  } catch (error) {
    const problem = {
      kind,
      where: label,
      key: path,
      expected: 'a YAML value',
      found: describeError(error),
      hint: null,
    };
    return { layers: [], problems: [problem] };
  }
};

const joinLayers = (parts: readonly Layers[]): Layers => ({
  layers: parts.flatMap((part) => part.layers),
  problems: parts.flatMap((part) => part.problems),
});

/** `--set path.to.key=value`, one layer each, later wins. `serve.env.NAME=text` sets one variable of the engine. */
export const layersFromSets = (sets: readonly string[]): Layers =>
  joinLayers(
    sets.map((text) => {
      const at = text.indexOf('=');
      if (at > 0)
        return makeLayer(
          'set',
          `--set ${text.slice(0, at).trim()}`,
          text.slice(0, at).trim(),
          text.slice(at + 1),
        );
      const expected = 'path.to.key=value, for instance serve.maxModelLen=4096';
      return {
        layers: [],
        problems: [{ kind: 'set', where: `--set ${text}`, key: '', expected, found: text, hint: null }],
      };
    }),
  );

// A Kubernetes service called "stepctl-proxy" puts variables such as STEPCTL_PROXY_PORT=tcp://… into every pod.
const fromKubernetes = /_SERVICE_(HOST|PORT)(_|$)|_PORT(_\d+_(TCP|UDP).*)?$/;
const sections = /^STEPCTL_(ENGINE|MODEL|SERVE|PROXY|SUPERVISOR)_/;

/**
 * `STEPCTL_*` variables: the key in capitals, dots and humps as underscores (`proxy.listen` → `STEPCTL_PROXY_LISTEN`).
 * `STEPCTL_SERVE_ENV_<NAME>` sets one variable of the engine. An unknown name under a section is an error; other names
 * (`STEPCTL_DEBUG`) are not ours to judge.
 */
export function layersFromEnvironment(env: Readonly<Record<string, string | undefined>>): Layers {
  const keys = stackKeys();
  const parts: Layers[] = [];
  for (const [name, text] of Object.entries(env).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (text === undefined || !name.startsWith('STEPCTL_') || fromKubernetes.test(name)) continue;
    const key = keys.find((candidate) => candidate.variable === name);
    if (key !== undefined) parts.push(makeLayer('environment', name, key.key, text));
    else if (name.startsWith('STEPCTL_SERVE_ENV_')) {
      parts.push(
        makeLayer('environment', name, `serve.env.${name.slice('STEPCTL_SERVE_ENV_'.length)}`, text),
      );
    } else if (sections.test(name)) {
      const near = nearestName(
        name,
        keys.map((candidate) => candidate.variable),
      );
      const hint = near === null ? null : `did you mean ${near}?`;
      const problem: Problem = {
        kind: 'environment',
        where: name,
        key: name,
        expected: 'a known variable',
        found: name,
        hint,
      };
      parts.push({ layers: [], problems: [problem] });
    }
  }
  return joinLayers(parts);
}
