import { z } from 'zod';
import type { RepoFile } from '../types.ts';
import { askApi } from './ask-api.ts';
import { type HubClient, parseJson } from './client.ts';
import { headerOf } from './exchange.ts';
import { checkFileName, isCommit } from './names.ts';
import { type AskedFor, brokenAnswer } from './refusal.ts';

const revisionSchema = z.object({ sha: z.string().regex(/^[0-9a-f]{40}$/) });

const sizeSchema = z.number().int().nonnegative();
const treeSchema = z.array(
  z.object({
    type: z.string(),
    path: z.string(),
    size: sizeSchema.optional(),
    oid: z.string().optional(),
    lfs: z.object({ oid: z.string().regex(/^(sha256:)?[0-9a-f]{64}$/), size: sizeSchema }).optional(),
    xetHash: z.string().nullish(),
  }),
);

const maxPages = 10_000;

export const askedFor = (client: HubClient, what: string, revision: string): AskedFor => ({
  what,
  endpoint: client.endpoint,
  repo: client.repo,
  revision,
  hasToken: client.token !== null,
  tokenSource: client.tokenSource,
});

/** The commit a revision stands for now; a 40-hex revision is its own answer and costs no request. */
export async function resolveRevision(client: HubClient, revision: string): Promise<string> {
  if (isCommit(revision)) return revision;
  const what = `the revision ${revision} of ${client.repo}`;
  // The slash of refs/pr/1 must be encoded: the path segment is one.
  const url = new URL(
    `${client.endpoint}/api/models/${client.repo}/revision/${encodeURIComponent(revision)}`,
  );
  const answer = await askApi(client, url, askedFor(client, what, revision));
  const parsed = revisionSchema.safeParse(parseJson(answer, what));
  if (!parsed.success) throw brokenAnswer(what, 'it names no 40-hex commit');
  return parsed.data.sha;
}

/** Target of `Link: <…>; rel="next"`; null on the last page. */
export function nextLink(header: string | null, base: URL): URL | null {
  const match = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(header ?? '');
  return match?.[1] === undefined || !URL.canParse(match[1], base.href) ? null : new URL(match[1], base);
}

function readPage(client: HubClient, page: unknown, what: string): RepoFile[] {
  const parsed = treeSchema.safeParse(page);
  if (!parsed.success)
    throw brokenAnswer(what, `it is not a file list: ${z.prettifyError(parsed.error).split('\n')[0]}`);
  const files: RepoFile[] = [];
  for (const entry of parsed.data) {
    if (entry.type !== 'file') continue;
    checkFileName(entry.path, client.repo);
    const sizeBytes = entry.lfs?.size ?? entry.size;
    if (sizeBytes === undefined || !/^[0-9a-f]{40}$/.test(entry.oid ?? ''))
      throw brokenAnswer(what, `the entry ${entry.path} has no size or no oid`);
    files.push({
      path: entry.path,
      sizeBytes,
      gitOid: entry.oid ?? '',
      lfsSha256: entry.lfs === undefined ? null : entry.lfs.oid.replace('sha256:', ''),
      // Masked for some callers (huggingface_hub #4595): 64 stars are no hash.
      xetHash: /^[0-9a-f]{64}$/.test(entry.xetHash ?? '') ? (entry.xetHash ?? null) : null,
    });
  }
  return files;
}

/** Every file of a commit, page after page, sorted by path. Throws on a name that must not touch the disk. */
export async function listFiles(client: HubClient, commit: string): Promise<RepoFile[]> {
  const what = `the file list of ${client.repo}`;
  const asked = askedFor(client, what, commit);
  const files = new Map<string, RepoFile>();
  const visited = new Set<string>();
  let url: URL | null = new URL(
    `${client.endpoint}/api/models/${client.repo}/tree/${commit}?recursive=true&expand=false`,
  );
  while (url !== null) {
    if (visited.has(url.href) || visited.size >= maxPages)
      throw brokenAnswer(what, 'its pages lead in a circle');
    visited.add(url.href);
    const answer = await askApi(client, url, asked);
    for (const file of readPage(client, parseJson(answer, what), what)) files.set(file.path, file);
    url = nextLink(headerOf(answer.headers, 'link'), answer.url);
  }
  return [...files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}
