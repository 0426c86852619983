import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { StepError } from '../../lib/index.ts';
import { checkRepo } from '../hub/names.ts';
import { refusalAnswer } from './answer.ts';
import { createLibrary } from './library.ts';
import { startListener } from './listener.ts';
import { createRoutes } from './routes.ts';
import { readQuestion, sendAnswer } from './send.ts';
import { createLinkSigner } from './signed-link.ts';

export interface HubServer {
  /** What HF_ENDPOINT would be. */
  readonly url: string;
  close(): Promise<void>;
}

export interface ServeHubOptions {
  /** Folders by the repository name they stand for. */
  readonly repos: Readonly<Record<string, string>>;
  /** Default 127.0.0.1: nobody else on the network can read the folders. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** How long a signed link lives; default one hour, as on the real hub. */
  readonly linkLifeMs?: number;
  /** Entries on a page of the file list; default 1000. */
  readonly pageSize?: number;
}

/**
 * The hub that stepctl carries: local folders over the real hub protocol (revision, tree with pages, resolve with a
 * redirect to a signed link on a second origin, ranges). Read-only, no accounts. Throws STEP_MODEL_FOLDER.
 */
export async function serveHub(options: ServeHubOptions): Promise<HubServer> {
  for (const [repo, dir] of Object.entries(options.repos)) {
    checkRepo(repo);
    const found = await stat(dir).catch(() => null);
    if (found?.isDirectory() !== true)
      throw new StepError('STEP_MODEL_FOLDER', {
        verdict: `${dir} is not a folder that can be served as ${repo}`,
        reason: found === null ? 'there is nothing there' : 'it is no folder',
        next: 'check the path',
      });
  }
  const routes = createRoutes({
    library: createLibrary(options.repos),
    signer: createLinkSigner(randomBytes(32), options.linkLifeMs ?? 3_600_000),
    nowMs: () => Date.now(),
    pageSize: options.pageSize ?? 1000,
  });
  const host = options.host ?? '127.0.0.1';
  const malformed = refusalAnswer(400, null, 'the request cannot be read');
  const cdn = await startListener(host, 0, async (request, response, origin) => {
    const question = readQuestion(request, origin);
    const answer = question === null ? malformed : routes.answerCdn(question);
    await sendAnswer(answer, request.method ?? 'GET', response);
  });
  try {
    const hub = await startListener(host, options.port ?? 0, async (request, response, origin) => {
      const question = readQuestion(request, origin);
      const origins = { self: origin, cdn: cdn.origin };
      const answer = question === null ? malformed : await routes.answerHub(question, origins);
      await sendAnswer(answer, request.method ?? 'GET', response);
    });
    return { url: hub.origin, close: async () => void (await Promise.all([hub.close(), cdn.close()])) };
  } catch (error) {
    await cdn.close();
    throw error;
  }
}
