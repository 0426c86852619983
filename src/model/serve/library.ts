import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { snapshotPaths } from '../cache/snapshot.ts';
import type { RepoFile } from '../types.ts';

export interface ServedFile extends RepoFile {
  /** The file on this machine. */
  readonly source: string;
}

/** A folder as the repository it stands for, at the commit its content makes. */
export interface Shelf {
  readonly commit: string;
  readonly files: readonly ServedFile[];
}

/** The local folders that a carried hub shows as repositories. */
export interface Library {
  /** The repository as it is on disk now; null when there is none of this name. */
  open(repo: string): Promise<Shelf | null>;
  /** A file by its sha256, once `open` has seen it. */
  bySha256(sha256: string): ServedFile | null;
}

interface Oids {
  readonly stamp: string;
  readonly gitOid: string;
  readonly sha256: string;
}

const lfsEndings = /\.(safetensors|bin|gguf|pt|pth|onnx|msgpack|model|npz|parquet)$/;
const lfsFromBytes = 10 << 20;

async function hashFile(path: string, sizeBytes: number): Promise<{ gitOid: string; sha256: string }> {
  const sha256 = createHash('sha256');
  const git = createHash('sha1').update(`blob ${sizeBytes}\0`);
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        sha256.update(chunk);
        git.update(chunk);
      }
    },
  );
  return { gitOid: git.digest('hex'), sha256: sha256.digest('hex') };
}

/** The oid of the pointer file that git itself keeps for an LFS object. */
function pointerOid(sha256: string, sizeBytes: number): string {
  const text = `version https://git-lfs.github.com/spec/v1\noid sha256:${sha256}\nsize ${sizeBytes}\n`;
  return createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex');
}

const commitOf = (files: readonly ServedFile[]): string =>
  createHash('sha1')
    .update(files.map((file) => `${file.path}\0${file.lfsSha256 ?? file.gitOid}\n`).join(''))
    .digest('hex');

/** Makes a library of folders. A file is hashed once and again only when its size or time changed. */
export function createLibrary(repos: Readonly<Record<string, string>>): Library {
  const known = new Map<string, Promise<Oids>>();
  const stamps = new Map<string, string>();
  const bySha = new Map<string, ServedFile>();
  const oidsOf = (source: string, sizeBytes: number, stamp: string): Promise<Oids> => {
    const present = known.get(source);
    if (present !== undefined && stamps.get(source) === stamp) return present;
    const asked = hashFile(source, sizeBytes).then((oids) => ({ stamp, ...oids }));
    asked.catch(() => known.delete(source));
    known.set(source, asked);
    stamps.set(source, stamp);
    return asked;
  };
  const readFile = async (dir: string, path: string): Promise<ServedFile> => {
    const source = join(dir, path);
    const { size, mtimeMs } = await stat(source);
    const { gitOid, sha256 } = await oidsOf(source, size, `${size} ${mtimeMs}`);
    const isLfs = lfsEndings.test(path) || size >= lfsFromBytes;
    const served: ServedFile = {
      source,
      path,
      sizeBytes: size,
      gitOid: isLfs ? pointerOid(sha256, size) : gitOid,
      lfsSha256: isLfs ? sha256 : null,
      xetHash: null,
    };
    bySha.set(sha256, served);
    return served;
  };
  return {
    open: async (repo) => {
      const dir = Object.hasOwn(repos, repo) ? repos[repo] : undefined;
      if (dir === undefined) return null;
      const files: ServedFile[] = [];
      for (const path of await snapshotPaths(dir)) files.push(await readFile(dir, path));
      return { commit: commitOf(files), files };
    },
    bySha256: (sha256) => bySha.get(sha256) ?? null,
  };
}
