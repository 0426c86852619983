import type { Readable } from 'node:stream';
import { extract, type Header, pack } from 'tar-stream';

/** One regular file as it goes into or comes out of a layer. */
export interface TarFile {
  /** Without leading slash. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
}

/** A folder that a layer brings along. Folders that exist already stay out of the tar: an entry would change them. */
export interface TarFolder {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
}

/** A tar of folders and then files, in the order given. */
export async function packTar(
  files: readonly TarFile[],
  folders: readonly TarFolder[] = [],
): Promise<Buffer> {
  const archive = pack();
  for (const { path, mode, uid, gid, mtimeMs } of folders)
    archive.entry({ name: `${path}/`, type: 'directory', mode, uid, gid, mtime: new Date(mtimeMs) });
  for (const { path, data, mode, uid, gid, mtimeMs } of files)
    archive.entry({ name: path, mode, uid, gid, mtime: new Date(mtimeMs) }, Buffer.from(data));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export interface TarEntry {
  readonly header: Header;
  readonly data: Buffer;
}

/** Entries of a small tar, read whole. */
export async function unpackTar(stream: Readable): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  const reader = stream.pipe(extract());
  stream.on('error', (error) => reader.destroy(error));
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    entries.push({ header: entry.header, data: Buffer.concat(chunks) });
  }
  return entries;
}
