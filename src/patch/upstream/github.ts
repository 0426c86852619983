import { join } from 'node:path';
import type { Octokit } from 'octokit';
import { dataDir, StepError } from '../../lib/index.ts';
import { answerCache } from './answer-cache.ts';

export interface GithubInput {
  /** GITHUB_TOKEN or GH_TOKEN, GITHUB_API_URL (as in GitHub Actions), and where the cache lies. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** One request, all retries and redirects in it. */
const requestTimeoutMs = 30_000;

/**
 * GitHub's REST API. Asks conditionally where an answer is kept; waits for no rate limit and repeats nothing by itself:
 * the person is told when to come back. The token goes into the header only.
 */
export async function connectGithub({ env, signal }: GithubInput): Promise<Octokit> {
  // 20 ms of modules that no other command needs.
  const { Octokit: Client } = await import('octokit');
  const token = env['GITHUB_TOKEN'] ?? env['GH_TOKEN'];
  const cache = answerCache(join(dataDir(env), 'github'));
  const octokit = new Client({
    userAgent: 'stepctl',
    ...(token === undefined || token === '' ? {} : { auth: token }),
    ...(env['GITHUB_API_URL'] === undefined ? {} : { baseUrl: env['GITHUB_API_URL'] }),
    retry: { enabled: false },
    throttle: { onRateLimit: () => false, onSecondaryRateLimit: () => false },
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  });
  octokit.hook.wrap('request', async (request, options) => {
    const { url, headers } = octokit.request.endpoint(options);
    const asked = `${url} ${String(headers.accept ?? '')}`;
    const kept = await cache.read(asked);
    // Changed in place: the hooks inside this one are bound to this very object and never see another.
    if (kept !== null) options.headers['if-none-match'] = kept.etag;
    options.request.signal = AbortSignal.any([signal, AbortSignal.timeout(requestTimeoutMs)]);
    try {
      const response = await request(options);
      const { etag, link } = response.headers;
      if (etag !== undefined) await cache.write({ asked, etag, link: link ?? null, data: response.data });
      return response;
    } catch (error) {
      if (kept === null || statusOf(error) !== 304) throw error;
      return {
        status: 200,
        url,
        headers: { etag: kept.etag, ...(kept.link === null ? {} : { link: kept.link }) },
        data: kept.data,
      };
    }
  });
  return octokit;
}

const ignore = (): void => {};

interface Failure {
  readonly status?: number;
  readonly message?: string;
  readonly response?: { readonly headers: Readonly<Record<string, string | undefined>> };
}

export const statusOf = (error: unknown): number | undefined => (error as Failure).status;

/** Turns what octokit throws into STEP_PATCH_UPSTREAM: not there, rate limit with its end, refused, or no network. */
export function githubError(error: unknown, what: string, signal: AbortSignal): unknown {
  if (error instanceof StepError || signal.aborted) return error;
  const { status, message, response } = error as Failure;
  const fail = (verdict: string, reason: string, next: string): StepError =>
    new StepError('STEP_PATCH_UPSTREAM', { verdict, reason, next, details: { status }, cause: error });
  const offline = 'stepctl patch status, without --refresh, answers from what stepctl ships';
  if (response === undefined) {
    return fail('GitHub cannot be reached', message ?? String(error), `check the network; ${offline}`);
  }
  const limited = limitEnd(response.headers);
  if ((status === 403 || status === 429) && limited !== null) {
    return fail(
      `GitHub's rate limit is used up, so ${what} was not asked for`,
      `it lasts until ${limited}`,
      `come back then, or set GITHUB_TOKEN to a token of yours; ${offline}`,
    );
  }
  if (status === 404) {
    return fail(
      `GitHub knows no ${what}`,
      'the number or the repository is wrong, or it is private',
      'check it, or set GITHUB_TOKEN to a token that may read it',
    );
  }
  if (status === 401) {
    return fail('GitHub refuses the token', message ?? '', 'unset or renew GITHUB_TOKEN (or GH_TOKEN)');
  }
  return fail(`GitHub did not give ${what}`, `status ${status ?? '?'}: ${message ?? ''}`, offline);
}

/** When the limit ends, ISO 8601, where the answer is about a limit at all. */
function limitEnd(headers: Readonly<Record<string, string | undefined>>): string | null {
  const after = headers['retry-after'];
  if (after !== undefined && /^\d+$/.test(after)) {
    return new Date(Date.now() + Number(after) * 1000).toISOString();
  }
  if (headers['x-ratelimit-remaining'] !== '0') return null;
  const reset = Number(headers['x-ratelimit-reset']);
  return Number.isFinite(reset) && reset > 0
    ? new Date(reset * 1000).toISOString()
    : 'a time GitHub does not say';
}
