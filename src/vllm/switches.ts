import { isWithin } from './versions.ts';

/** When a flag or variable of vLLM exists and does something. Data only, so that a script can write it from the wheels. */
export interface Switch {
  readonly name: string;
  /** First release that knows it; null: every release from the first supported one. */
  readonly since: string | null;
  /** First release that does not know it any more. */
  readonly until: string | null;
  /** First release that accepts it without effect. */
  readonly noEffectSince: string | null;
  /** Where that is known from. */
  readonly source: string;
}

const always = (name: string): Switch => ({
  name,
  since: null,
  until: null,
  noEffectSince: null,
  source: 'parsers of 0.15.1, 0.16.0 and 0.32.0',
});

/** Every flag and variable that stepctl itself may emit. */
export const switches: readonly Switch[] = [
  always('--served-model-name'),
  always('--tensor-parallel-size'),
  always('--trust-remote-code'),
  always('--max-model-len'),
  always('--gpu-memory-utilization'),
  always('--enforce-eager'),
  always('--disable-custom-all-reduce'),
  always('--reasoning-parser'),
  always('--enable-auto-tool-choice'),
  always('--tool-call-parser'),
  always('--block-size'),
  {
    name: '--moe-backend',
    since: '0.17.0',
    until: null,
    noEffectSince: null,
    source: 'source of 0.17.0; the parser of 0.16.0 refuses it',
  },
  {
    name: '--shutdown-timeout',
    since: '0.18.0',
    until: null,
    noEffectSince: null,
    source: 'source of 0.18.0 (vllm#34730, vllm#36666)',
  },
  {
    name: '--disable-cascade-attn',
    since: null,
    until: '0.33.0',
    noEffectSince: '0.32.0',
    source: 'help of 0.32.0: deprecated, no effect, removed in 0.33.0',
  },
  {
    name: '--no-disable-cascade-attn',
    since: null,
    until: '0.33.0',
    noEffectSince: '0.32.0',
    source: 'help of 0.32.0: cascade attention has been removed',
  },
  {
    name: 'VLLM_USE_FLASHINFER_MOE_FP4',
    since: null,
    until: '0.32.0',
    noEffectSince: null,
    source: 'read by 0.23.0 with a warning (vllm#43148), unknown to 0.32.0',
  },
  {
    name: 'VLLM_TEST_FORCE_FP8_MARLIN',
    since: null,
    until: '0.32.0',
    noEffectSince: null,
    source: 'read by the NVFP4 MoE chooser of 0.15.1 and 0.16.0, unknown to 0.32.0',
  },
  {
    name: 'VLLM_MAX_N_SEQUENCES',
    since: '0.22.0',
    until: null,
    noEffectSince: null,
    source: 'sources of 0.18.0 (no) and 0.22.0 (yes)',
  },
  always('VLLM_MEDIA_URL_ALLOW_REDIRECTS'),
  always('VLLM_CPU_OMP_THREADS_BIND'),
  always('VLLM_ENGINE_READY_TIMEOUT_S'),
  always('VLLM_HTTP_TIMEOUT_KEEP_ALIVE'),
  always('VLLM_NO_USAGE_STATS'),
];

/** What a release makes of a switch; null for a name that is no row of the table. */
export function lookUpSwitch(
  name: string,
  version: string,
): 'works' | 'no-effect' | 'too-new' | 'removed' | null {
  const row = switches.find((candidate) => candidate.name === name);
  if (row === undefined) return null;
  if (!isWithin(version, row.since, null)) return 'too-new';
  if (!isWithin(version, null, row.until)) return 'removed';
  return isWithin(version, null, row.noEffectSince) ? 'works' : 'no-effect';
}
