import { isWithin } from './versions.ts';

export interface Advisory {
  readonly id: string;
  /** First affected release; null: from the beginning as far as known. */
  readonly since: string | null;
  /** First release outside of the affected range; null where none is on record: then every release counts as open. */
  readonly fixed: string | null;
  readonly what: string;
  /** critical: foreign code runs, or the API key is skipped. */
  readonly severity: 'critical' | 'other';
  /** Who keeps it from being used: the proxy's policy, the scope `advanced` of a key, or how stepctl starts the engine. */
  readonly by: 'proxy' | 'scope' | 'setup' | null;
  /** How; null where only an upgrade helps. */
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
    by: 'setup',
    cover: 'the lock pins the model commit',
  },
  {
    id: 'CVE-2026-34756',
    since: null,
    fixed: '0.19.0',
    what: 'n of a request fans out without bound',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy bounds n',
  },
  {
    id: 'CVE-2026-9540',
    since: null,
    fixed: '0.19.0',
    what: 'pictures that exhaust the engine, and more: the proxy refuses pictures',
    severity: 'other',
    by: null,
    cover: null,
  },
  {
    id: 'CVE-2026-44222',
    since: '0.6.1',
    fixed: '0.20.0',
    what: 'special tokens in user text',
    severity: 'other',
    by: null,
    cover: null,
  },
  {
    id: 'PYSEC-2026-145',
    since: '0.18.0',
    fixed: '0.20.0',
    what: 'penalties with extract_hidden_states',
    severity: 'other',
    by: 'setup',
    cover: 'not configured by stepctl',
  },
  {
    id: 'CVE-2026-48746',
    since: '0.3.0',
    fixed: '0.22.0',
    what: 'Host header skips the API key',
    severity: 'critical',
    by: 'proxy',
    cover: 'the proxy checks keys itself and sends a constant Host',
  },
  {
    id: 'CVE-2026-47155',
    since: null,
    fixed: '0.22.0',
    what: 'remote code while a model loads',
    severity: 'critical',
    by: 'setup',
    cover: 'the lock pins the model commit',
  },
  {
    id: 'CVE-2026-41523',
    since: null,
    fixed: '0.22.0',
    what: 'checks lost under python -O',
    severity: 'other',
    by: 'setup',
    cover: 'stepctl never starts it with -O',
  },
  {
    id: 'CVE-2026-116176',
    since: '0.9.2',
    fixed: '0.24.0',
    what: 'X-Request-Id reaches an internal address',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy makes its own id',
  },
  {
    id: 'PYSEC-2026-2303',
    since: '0.12.0',
    fixed: '0.24.0',
    what: 'prompt_embeds',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-93840',
    since: null,
    fixed: '0.29.0',
    what: 'allowed_token_ids reach other requests',
    severity: 'other',
    by: 'scope',
    cover: 'the field needs a key with the scope advanced',
  },
  {
    id: 'CVE-2026-93989',
    since: null,
    fixed: '0.29.1',
    what: 'bad_words reach other requests',
    severity: 'other',
    by: 'scope',
    cover: 'the field needs a key with the scope advanced',
  },
  {
    id: 'CVE-2026-105757',
    since: null,
    fixed: '0.30.0',
    what: 'structured output crashes the engine',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy bounds schemas; grammars need the scope advanced',
  },
  {
    id: 'CVE-2026-105756',
    since: null,
    fixed: '0.30.0',
    what: 'cache_salt',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-105760',
    since: null,
    fixed: '0.30.0',
    what: 'media_io_kwargs',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'PYSEC-2026-4353',
    since: null,
    fixed: '0.30.0',
    what: 'the generate path',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy has no such path',
  },
  {
    id: 'CVE-2026-114053',
    since: '0.7.3',
    fixed: '0.31.0',
    what: 'remote code by mm_processor_kwargs and /tokenize',
    severity: 'critical',
    by: 'proxy',
    cover: 'the proxy refuses field and path',
  },
  {
    id: 'CVE-2026-114051',
    since: null,
    fixed: '0.31.0',
    what: 'min_tokens hangs the engine',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy bounds it, has no such path, and the watchdog restarts',
  },
  {
    id: 'CVE-2026-116180',
    since: '0.8.5',
    fixed: '0.31.0',
    what: 'prompt_logprobs with echo crashes the engine',
    severity: 'other',
    by: 'scope',
    cover: 'the fields need a key with the scope advanced',
  },
  {
    id: 'CVE-2026-115911',
    since: null,
    fixed: '0.32.0',
    what: 'chat_template in a request',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'CVE-2026-115918',
    since: null,
    fixed: '0.32.0',
    what: 'chat_template_kwargs in a request',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses the field',
  },
  {
    id: 'PYSEC-2026-3704',
    since: null,
    fixed: null,
    what: 'a long list of prompts fans out',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy bounds the list',
  },
  {
    id: 'PYSEC-2026-3933',
    since: null,
    fixed: null,
    what: 'patterns of structured output end the engine',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy bounds them, and they need the scope advanced',
  },
  {
    id: 'CVE-2026-116173',
    since: null,
    fixed: null,
    what: 'gRPC and paths beside the API',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy has no such path',
  },
  {
    id: 'CVE-2026-24779',
    since: null,
    fixed: null,
    what: 'a media URL makes the engine fetch',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses media',
  },
  {
    id: 'CVE-2026-25960',
    since: null,
    fixed: null,
    what: 'a media URL makes the engine fetch, by parser confusion',
    severity: 'other',
    by: 'proxy',
    cover: 'the proxy refuses media',
  },
];

/** Advisories open in a release, oldest fix first. Those without a fix on record are apart: `unfixedAdvisories`. */
export const advisoriesFor = (version: string): Advisory[] =>
  advisories.filter(({ since, fixed }) => fixed !== null && isWithin(version, since, fixed));

/** Advisories whose range is not on record: open everywhere as far as anyone can tell here. */
export const unfixedAdvisories = (): Advisory[] => advisories.filter(({ fixed }) => fixed === null);
