import { isMapping, type Layer } from './layer.ts';

export interface Merged {
  readonly values: Record<string, unknown>;
  /** Dotted leaf key → the layer it came from; a file adds the line: `stepctl.yaml:4`. */
  readonly sources: Map<string, string>;
  /** Dotted leaf key → the layer itself, for errors about values that only clash once merged. */
  readonly owners: Map<string, Layer>;
}

const describeSource = (layer: Layer, path: readonly string[]): string => {
  const place = layer.kind === 'file' ? layer.locate(path) : null;
  return place === null ? layer.label : `${layer.label}:${place.line}`;
};

const mergeInto = (
  target: Record<string, unknown>,
  from: Record<string, unknown>,
  layer: Layer,
  merged: Merged,
  path: readonly string[],
): void => {
  for (const [name, value] of Object.entries(from)) {
    const here = [...path, name];
    if (isMapping(value)) {
      const inner = target[name];
      const mapping = isMapping(inner) ? inner : {};
      target[name] = mapping;
      mergeInto(mapping, value, layer, merged, here);
    } else {
      target[name] = value;
      merged.sources.set(here.join('.'), describeSource(layer, here));
      merged.owners.set(here.join('.'), layer);
    }
  }
};

/** Lays layers over each other, later wins. Mappings (also `serve.env`) merge by key, lists are replaced whole. */
export function mergeLayers(layers: readonly Layer[]): Merged {
  const merged: Merged = { values: {}, sources: new Map(), owners: new Map() };
  for (const layer of layers) {
    if (isMapping(layer.values)) mergeInto(merged.values, layer.values, layer, merged, []);
  }
  return merged;
}
