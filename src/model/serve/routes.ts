import {
  fileAnswer,
  jsonAnswer,
  type Question,
  redirectAnswer,
  refusalAnswer,
  type ServedAnswer,
} from './answer.ts';
import type { Library, ServedFile, Shelf } from './library.ts';
import type { LinkSigner } from './signed-link.ts';

/** The hub protocol over a library, as one function from question to answer. Sends nothing itself. */
export interface HubRoutes {
  /** The hub proper: API and resolve. `self` and `cdn` are the origins of the two servers. */
  answerHub(
    question: Question,
    origins: { readonly self: string; readonly cdn: string },
  ): Promise<ServedAnswer>;
  /** The file server that signed links point at. */
  answerCdn(question: Question): ServedAnswer;
}

const treeEntries = (shelf: Shelf, under: string): Record<string, unknown>[] => {
  const inside = shelf.files.filter(({ path }) => under === '' || path.startsWith(`${under}/`));
  const folders = new Set(
    inside.flatMap(({ path }) =>
      path
        .split('/')
        .slice(0, -1)
        .map((_, i, parts) => parts.slice(0, i + 1).join('/')),
    ),
  );
  const directories = [...folders]
    .toSorted()
    .map((path) => ({ type: 'directory', path, size: 0, oid: '0'.repeat(40) }));
  return [...directories, ...inside.map(fileEntry)];
};

const fileEntry = (file: ServedFile): Record<string, unknown> => ({
  type: 'file',
  path: file.path,
  size: file.sizeBytes,
  oid: file.gitOid,
  ...(file.lfsSha256 === null
    ? {}
    : { lfs: { oid: file.lfsSha256, size: file.sizeBytes, pointerSize: 134 } }),
});

function answerTree(
  shelf: Shelf,
  question: Question,
  under: string,
  self: string,
  pageSize: number,
): ServedAnswer {
  const { searchParams } = question.url;
  const limit = Math.max(1, Math.min(pageSize, Number(searchParams.get('limit') ?? pageSize) || pageSize));
  const from = Number(searchParams.get('cursor') ?? 0) || 0;
  const recursive = searchParams.get('recursive') === 'true';
  const depth = under === '' ? 1 : under.split('/').length + 1;
  const all = treeEntries(shelf, under).filter(
    ({ path }) => recursive || String(path).split('/').length === depth,
  );
  const page = all.slice(from, from + limit);
  if (from + limit >= all.length) return jsonAnswer(page);
  const next = new URL(`${question.url.pathname}${question.url.search}`, self);
  next.searchParams.set('cursor', String(from + limit));
  return jsonAnswer(page, { link: `<${next.href}>; rel="next"` });
}

const isKnown = (shelf: Shelf, revision: string): boolean => revision === 'main' || revision === shelf.commit;

/** Makes the routes. `pageSize` is the length of a page of the file list. */
export function createRoutes(options: {
  readonly library: Library;
  readonly signer: LinkSigner;
  readonly nowMs: () => number;
  readonly pageSize: number;
}): HubRoutes {
  const { library } = options;
  const answerApi = async (parts: string[], question: Question, self: string): Promise<ServedAnswer> => {
    const [, , owner, name, verb, revision = 'main', ...rest] = parts;
    const repo = `${owner}/${name}`;
    const shelf = await library.open(repo);
    if (shelf === null) return refusalAnswer(404, 'RepoNotFound', 'Repository not found');
    if (!isKnown(shelf, revision))
      return refusalAnswer(404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
    if (verb === 'tree') return answerTree(shelf, question, rest.join('/'), self, options.pageSize);
    if (verb !== 'revision' && verb !== undefined) return refusalAnswer(404, null, 'no such route');
    const siblings = shelf.files.map(({ path }) => ({ rfilename: path }));
    return jsonAnswer({
      _id: shelf.commit.slice(0, 24),
      id: repo,
      modelId: repo,
      sha: shelf.commit,
      private: false,
      gated: false,
      tags: [],
      downloads: 0,
      likes: 0,
      siblings,
    });
  };
  const answerFile = async (
    where: { readonly repo: string; readonly revision: string; readonly path: string },
    question: Question,
    cdn: string | null,
  ): Promise<ServedAnswer> => {
    const shelf = await library.open(where.repo);
    if (shelf === null) return refusalAnswer(404, 'RepoNotFound', 'Repository not found');
    if (!isKnown(shelf, where.revision))
      return refusalAnswer(404, 'RevisionNotFound', `Invalid rev id: ${where.revision}`);
    const file = shelf.files.find(({ path }) => path === where.path);
    if (file === undefined) return refusalAnswer(404, 'EntryNotFound', 'Entry not found');
    const headers = { 'x-repo-commit': shelf.commit };
    if (file.lfsSha256 !== null && cdn !== null) {
      const linked = { 'x-linked-etag': `"${file.lfsSha256}"`, 'x-linked-size': String(file.sizeBytes) };
      return redirectAnswer(302, options.signer.sign(cdn, file.lfsSha256, options.nowMs()), {
        ...headers,
        ...linked,
      });
    }
    if (cdn !== null) {
      const path = where.path.split('/').map(encodeURIComponent).join('/');
      return redirectAnswer(307, `/api/resolve-cache/models/${where.repo}/${shelf.commit}/${path}`, headers);
    }
    const answer = fileAnswer(file.source, file.sizeBytes, file.gitOid, question.range);
    return { ...answer, headers: { ...answer.headers, ...headers } };
  };
  return {
    answerHub: async (question, origins) => {
      let parts: string[];
      try {
        parts = question.url.pathname.split('/').slice(1).map(decodeURIComponent);
      } catch {
        return refusalAnswer(400, null, 'the address is not well encoded');
      }
      if (parts[0] === 'api' && parts[1] === 'models' && parts.length >= 4)
        return answerApi(parts, question, origins.self);
      if (parts[0] === 'api' && parts[1] === 'resolve-cache' && parts[2] === 'models')
        return answerFile(
          { repo: `${parts[3]}/${parts[4]}`, revision: parts[5] ?? '', path: parts.slice(6).join('/') },
          question,
          null,
        );
      if (parts[2] === 'resolve')
        return answerFile(
          { repo: `${parts[0]}/${parts[1]}`, revision: parts[3] ?? '', path: parts.slice(4).join('/') },
          question,
          origins.cdn,
        );
      return refusalAnswer(404, null, 'no such route');
    },
    answerCdn: (question) => {
      const sha256 = /^\/blobs\/([0-9a-f]{64})$/.exec(question.url.pathname)?.[1];
      const verdict = options.signer.check(question.url, options.nowMs());
      if (sha256 === undefined || verdict === 'forged') return refusalAnswer(403, null, 'AccessDenied');
      if (verdict === 'expired') return refusalAnswer(403, null, 'Request has expired');
      const file = library.bySha256(sha256);
      if (file === null) return refusalAnswer(404, null, 'NoSuchKey');
      return fileAnswer(file.source, file.sizeBytes, sha256, question.range);
    },
  };
}
