/** Place in a file, counted from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type LayerKind = 'default' | 'profile' | 'file' | 'environment' | 'set' | 'flag';

/** Part of a stack as one source gives it, unchecked. */
export interface Layer {
  readonly kind: LayerKind;
  /** How `config show` names the source: `default`, `profile demo`, `stepctl.yaml`, `STEPCTL_PROXY_LISTEN`, `--set`, `flag`. */
  readonly label: string;
  readonly values: unknown;
  /** Where a key stands; null outside of files. */
  locate(path: readonly PropertyKey[]): Place | null;
}

/** One thing that is wrong with a layer. */
export interface Problem {
  readonly kind: LayerKind;
  /** `stepctl.yaml:4:3`, `STEPCTL_SERVE_NAME` or `--set serve.name`. */
  readonly where: string;
  /** Dotted key; '' for the file as a whole. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
  /** Nearest name or what else helps. */
  readonly hint: string | null;
}

export const noPlace = (): null => null;

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `stepctl.yaml:4:3` where the layer is a file that holds the key, else the label. */
export const describePlace = (layer: Layer, path: readonly PropertyKey[]): string => {
  const place = layer.locate(path);
  return place === null ? layer.label : `${place.file}:${place.line}:${place.column}`;
};

/** A nested value from a dotted path: `['a', 'b'], 1` → `{a: {b: 1}}`. */
export const nestValue = (path: readonly string[], value: unknown): unknown =>
  path.toReversed().reduce<unknown>((inner, name) => ({ [name]: inner }), value);
