/** Switches of the simulator: what it can be told to do wrong or how fast to be. One table; `parseArgs` and the help read it. */
export const simSwitches = {
  'startup-ms': { kind: 'number', fallback: 1_500, what: 'from the start until it listens' },
  'ttft-ms': { kind: 'number', fallback: 30, what: 'from a request to its first token' },
  'itl-ms': { kind: 'number', fallback: 8, what: 'between tokens' },
  'tokens-per-chunk': { kind: 'number', fallback: 1, what: 'tokens in one streamed event' },
  version: {
    kind: 'text',
    fallback: '0.32.0',
    what: 'release it plays; /version answers it with "+sim" behind',
  },
  'model-id': {
    kind: 'text',
    fallback: null,
    what: 'lists this id in /v1/models instead of the served name',
  },
  'crash-after-tokens': {
    kind: 'number',
    fallback: null,
    what: 'its core dies after that many tokens in all: error frames, /health 503, then exit code 0 as vLLM does',
  },
  'crash-after-ms': { kind: 'number', fallback: null, what: 'the same, that long after it began to listen' },
  'crash-exit-ms': {
    kind: 'number',
    fallback: 300,
    what: 'from the death of the core to the exit (vLLM: 3000 to 5000)',
  },
  'die-in': { kind: 'text', fallback: null, what: 'exits in this startup phase (imports, config, … server)' },
  'die-log': { kind: 'text', fallback: 'RuntimeError: simulated failure', what: 'line printed before it' },
  'die-code': { kind: 'number', fallback: 1, what: 'exit code of it' },
  'never-ready': { kind: 'switch', what: 'stops before it listens and stays there' },
  garbage: { kind: 'switch', what: 'answers "!" for every token, as a load that skipped its experts does' },
  'wrong-text': { kind: 'switch', what: 'answers words in another order, as exchanged expert weights do' },
  'freeze-after-tokens': {
    kind: 'number',
    fallback: null,
    what: 'no token after that many in all; /health stays 200',
  },
  'ignore-sigterm': { kind: 'switch', what: 'takes no notice of SIGTERM' },
  'port-taken': { kind: 'switch', what: 'fails at the bind as if a stranger had the port' },
  'core-process': {
    kind: 'switch',
    what: 'has a child in a session of its own, as an EngineCore that got away',
  },
  'error-as-200': {
    kind: 'switch',
    what: 'a failed request gets status 200 with an error body, as on 0.16.0',
  },
  'once-file': {
    kind: 'text',
    fallback: null,
    what: 'the faults hold for the first start only: that start makes this file, later ones find it',
  },
} as const satisfies Record<string, SimSwitch>;

type SimSwitch =
  | { readonly kind: 'number'; readonly fallback: number | null; readonly what: string }
  | { readonly kind: 'text'; readonly fallback: string | null; readonly what: string }
  | { readonly kind: 'switch'; readonly what: string };

export interface SimFaults {
  readonly startupMs: number;
  readonly ttftMs: number;
  readonly itlMs: number;
  readonly tokensPerChunk: number;
  readonly version: string;
  readonly modelId: string | null;
  readonly crashAfterTokens: number | null;
  readonly crashAfterMs: number | null;
  readonly crashExitMs: number;
  readonly dieIn: string | null;
  readonly dieLog: string;
  readonly dieCode: number;
  readonly isNeverReady: boolean;
  readonly isGarbage: boolean;
  readonly isWrongText: boolean;
  readonly freezeAfterTokens: number | null;
  readonly ignoresSigterm: boolean;
  readonly isPortTaken: boolean;
  readonly hasCoreProcess: boolean;
  readonly hasErrorAs200: boolean;
  readonly onceFile: string | null;
}

type SwitchName = keyof typeof simSwitches;

/** Reads the `--sim-…` switches out of what was given. Throws a plain Error naming an unknown one or a bad number. */
export function readFaults(given: ReadonlyMap<string, string | true>): SimFaults {
  for (const name of given.keys()) {
    if (!(name in simSwitches)) throw new Error(`unrecognized arguments: --sim-${name}`);
  }
  const number = (name: SwitchName): number | null => {
    const value = given.get(name);
    const row: SimSwitch = simSwitches[name];
    if (value === undefined) return row.kind === 'number' ? row.fallback : null;
    const parsed = value === true ? Number.NaN : Number(value);
    if (!Number.isFinite(parsed) || parsed < 0)
      throw new Error(`argument --sim-${name}: invalid number ${String(value)}`);
    return parsed;
  };
  const text = (name: SwitchName): string | null => {
    const value = given.get(name);
    const row: SimSwitch = simSwitches[name];
    if (typeof value === 'string') return value;
    return row.kind === 'text' ? row.fallback : null;
  };
  return {
    startupMs: number('startup-ms') ?? 0,
    ttftMs: number('ttft-ms') ?? 0,
    itlMs: number('itl-ms') ?? 0,
    tokensPerChunk: Math.max(1, number('tokens-per-chunk') ?? 1),
    version: text('version') ?? '0.0.0',
    modelId: text('model-id'),
    crashAfterTokens: number('crash-after-tokens'),
    crashAfterMs: number('crash-after-ms'),
    crashExitMs: number('crash-exit-ms') ?? 0,
    dieIn: text('die-in'),
    dieLog: text('die-log') ?? '',
    dieCode: number('die-code') ?? 1,
    isNeverReady: given.has('never-ready'),
    isGarbage: given.has('garbage'),
    isWrongText: given.has('wrong-text'),
    freezeAfterTokens: number('freeze-after-tokens'),
    ignoresSigterm: given.has('ignore-sigterm'),
    isPortTaken: given.has('port-taken'),
    hasCoreProcess: given.has('core-process'),
    hasErrorAs200: given.has('error-as-200'),
    onceFile: text('once-file'),
  };
}

/** The same engine without a fault: what later starts do when `--sim-once-file` is given. */
export const withoutFaults = (faults: SimFaults): SimFaults => ({
  ...faults,
  modelId: null,
  crashAfterTokens: null,
  crashAfterMs: null,
  dieIn: null,
  isNeverReady: false,
  isGarbage: false,
  isWrongText: false,
  freezeAfterTokens: null,
  ignoresSigterm: false,
  isPortTaken: false,
  hasCoreProcess: false,
  hasErrorAs200: false,
});

/** Help text of the switches. */
export const describeSwitches = (): string =>
  Object.entries(simSwitches)
    .map(
      ([name, row]) =>
        `--sim-${name}${row.kind === 'switch' ? '' : ` ${row.kind.toUpperCase()}`}  ${row.what}`,
    )
    .join('\n');
