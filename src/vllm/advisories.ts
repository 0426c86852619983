import { isWithin } from './versions.ts';

export interface Advisory {
  readonly id: string;
  /** First affected release; null: from the beginning as far as known. */
  readonly since: string | null;
  /** First release outside of the affected range. */
  readonly fixed: string;
  readonly what: string;
  /** critical: foreign code runs, or the API key is skipped. */
  readonly severity: 'critical' | 'other';
  /** How the front door or the pins cover it; null where only an upgrade helps. */
  readonly cover: string | null;
}

/** Day on which this table was last brought up to date. */
export const advisoriesDate = '2026-11-23';

/** Advisories of vLLM that concern a text model behind the proxy, in a release that stepctl supports. */
export const advisories: readonly Advisory[] = [
  {
    id: 'CVE-2026-27893',
    since: null,
    fixed: '0.18.0',
    what: 'remote code while a model loads',
    severity: 'critical',
    cover: 'the lock pins the model commit',
  },
  {
    id: 'CVE-2026-34756',
    since: null,
    fixed: '0.19.0',
    what: 'n of a request fans out without bound',
    severity: 'other',
    cover: 'the proxy bounds n',
  },
  {
    id: 'CVE-2026-44222',
    since: '0.6.1',
    fixed: '0.20.0',
    what: 'special tokens in user text',
    severity: 'other',
    cover: null,
  },
  {
    id: 'PYSEC-2026-145',
    since: '0.18.0',
    fixed: '0.20.0',
    what: 'penalties with extract_hidden_states',
    severity: 'other',
    cover: 'not configured by stepctl',
  },
  {
    id: 'CVE-2026-48746',
    since: '0.3.0',
    fixed: '0.22.0',
    what: 'Host header skips the API key',
    severity: 'critical',
    cover: 'the proxy checks keys itself and sends a constant Host',
  },
  {
    id: 'CVE-2026-47155',
    since: null,
    fixed: '0.22.0',
    what: 'remote code while a model loads',
    severity: 'critical',
    cover: 'the lock pins the model commit',
  },
  {
    id: 'CVE-2026-41523',
    since: null,
    fixed: '0.22.0',
    what: 'checks lost under python -O',
    severity: 'other',
    cover: 'stepctl never starts it with -O',
  },
  {
    id: 'CVE-2026-116176',
    since: '0.9.2',
    fixed: '0.24.0',
    what: 'X-Request-Id reaches an internal address',
    severity: 'other',
    cover: 'the proxy makes its own id',
  },
  {
    id: 'PYSEC-2026-2303',
    since: '0.12.0',
    fixed: '0.24.0',
    what: 'prompt_embeds',
    severity: 'other',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-93840',
    since: null,
    fixed: '0.29.0',
    what: 'allowed_token_ids reach other requests',
    severity: 'other',
    cover: null,
  },
  {
    id: 'CVE-2026-93989',
    since: null,
    fixed: '0.29.1',
    what: 'bad_words reach other requests',
    severity: 'other',
    cover: null,
  },
  {
    id: 'CVE-2026-105757',
    since: null,
    fixed: '0.30.0',
    what: 'structured output crashes the engine',
    severity: 'other',
    cover: null,
  },
  {
    id: 'CVE-2026-105756',
    since: null,
    fixed: '0.30.0',
    what: 'cache_salt',
    severity: 'other',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-105760',
    since: null,
    fixed: '0.30.0',
    what: 'media_io_kwargs',
    severity: 'other',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-114053',
    since: '0.7.3',
    fixed: '0.31.0',
    what: 'remote code by mm_processor_kwargs and /tokenize',
    severity: 'critical',
    cover: 'the proxy refuses field and path',
  },
  {
    id: 'CVE-2026-114051',
    since: null,
    fixed: '0.31.0',
    what: 'min_tokens hangs the engine',
    severity: 'other',
    cover: 'the proxy bounds it and the watchdog restarts',
  },
  {
    id: 'CVE-2026-116180',
    since: '0.8.5',
    fixed: '0.31.0',
    what: 'prompt_logprobs with echo crashes the engine',
    severity: 'other',
    cover: null,
  },
  {
    id: 'CVE-2026-115911',
    since: null,
    fixed: '0.32.0',
    what: 'chat_template in a request',
    severity: 'other',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-115918',
    since: null,
    fixed: '0.32.0',
    what: 'chat_template_kwargs in a request',
    severity: 'other',
    cover: 'the proxy refuses the field',
  },
];

/** Advisories open in a release, oldest fix first. */
export const advisoriesFor = (version: string): Advisory[] =>
  advisories.filter((advisory) => isWithin(version, advisory.since, advisory.fixed));
