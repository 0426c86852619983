import { flag, type Rule, variable } from './context.ts';

const stayOffline: Rule = () => ({
  items: [
    variable('HF_HUB_OFFLINE', 1, 'the model is pulled and verified before the start'),
    variable('VLLM_NO_USAGE_STATS', 1, 'no telemetry'),
  ],
});

// vLLM closes idle connections after 5 s and a client keeps them for 4: a race that loses requests.
const keepConnections: Rule = () => ({
  items: [variable('VLLM_HTTP_TIMEOUT_KEEP_ALIVE', 120, 'longer than the proxy keeps an idle connection')],
});

/** vLLM gives its core 600 s; a stack that waits longer must say so to vLLM too. */
const waitForCore: Rule = ({ stack }) => {
  const seconds = Math.ceil(stack.engine.startTimeoutMs / 1000);
  return seconds > 600
    ? {
        items: [
          variable(
            'VLLM_ENGINE_READY_TIMEOUT_S',
            seconds,
            `engine.startTimeoutMs: ${stack.engine.startTimeoutMs}`,
          ),
        ],
      }
    : {};
};

/**
 * Half of the grace before SIGKILL: requests have been drained or cut before SIGTERM, this is for what is left.
 * Without it vLLM aborts at once and an open stream may hang it.
 */
const endGently: Rule = ({ stack, facts, version }) => {
  const seconds = Math.floor(stack.supervisor.stopGraceMs / 2000);
  if (seconds === 0) return {};
  const because = `half of supervisor.stopGraceMs: ${stack.supervisor.stopGraceMs}`;
  if (facts.flags['--shutdown-timeout'] !== undefined)
    return { items: [flag('--shutdown-timeout', seconds, because)] };
  const missing = `${because}; vLLM ${version} has no such flag, 0.18.0 brought it (vllm#36666)`;
  return { dropped: [{ name: '--shutdown-timeout', because: missing }] };
};

// CVE-2026-34756 (n fans out) and the media URL advisories: the proxy bounds both, this is the second lock.
const boundRequests: Rule = ({ facts }) => ({
  items: [
    variable('VLLM_MEDIA_URL_ALLOW_REDIRECTS', 0, 'a media address must not lead elsewhere (CVE-2026-24779)'),
    ...(facts.variables['VLLM_MAX_N_SEQUENCES'] !== undefined
      ? [variable('VLLM_MAX_N_SEQUENCES', 64, 'bounds n of a request (CVE-2026-34756)')]
      : []),
  ],
});

export const serverRules: readonly Rule[] = [
  stayOffline,
  keepConnections,
  waitForCore,
  endGently,
  boundRequests,
];
