import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import type { Container } from 'dockerode';
import { type DockerClient, dockerStatus } from '../../engine/index.ts';
import type { SourceTree } from '../../patch/index.ts';
import { type TarFile, unpackTar } from './tar.ts';

/** Files of an image, read from a container that never runs. */
export interface ImageFiles {
  /** The file at an absolute path with owner and mode; links are followed; null where there is none. */
  read(path: string): Promise<TarFile | null>;
  exists(path: string): Promise<boolean>;
}

const maxLinks = 8;

function imageFiles(container: Container): ImageFiles {
  const read = async (path: string, links = 0): Promise<TarFile | null> => {
    let stream: NodeJS.ReadableStream;
    try {
      stream = await container.getArchive({ path });
    } catch (error) {
      if (dockerStatus(error) === 404) return null;
      throw error;
    }
    const [entry] = await unpackTar(stream as Readable);
    if (entry === undefined) return null;
    const { header, data } = entry;
    if (header.type === 'symlink' && typeof header.linkname === 'string' && links < maxLinks)
      return read(posix.resolve(posix.dirname(path), header.linkname), links + 1);
    if (header.type !== 'file') return null;
    return {
      path: path.slice(1),
      data,
      // The daemon gives the file's type along with the permission bits.
      mode: (header.mode ?? 0o644) & 0o7777,
      uid: header.uid ?? 0,
      gid: header.gid ?? 0,
      mtimeMs: header.mtime?.getTime() ?? 0,
    };
  };
  return {
    read: (path) => read(path),
    exists: async (path) => {
      try {
        await container.infoArchive({ path });
        return true;
      } catch (error) {
        if (dockerStatus(error) === 404) return false;
        throw error;
      }
    },
  };
}

/** Opens an image for reading while `use` runs: nothing of the image is executed. */
export async function withImageFiles<T>(
  docker: DockerClient,
  image: string,
  use: (files: ImageFiles) => Promise<T>,
): Promise<T> {
  // An image without a command cannot be made a container without one; this one never starts.
  const container = await docker.createContainer({
    Image: image,
    Entrypoint: ['/nothing'],
    NetworkDisabled: true,
    Labels: { 'stepctl.role': 'build' },
  });
  try {
    return await use(imageFiles(container));
  } finally {
    await container.remove({ force: true, v: true });
  }
}

/** The same as a tree of sources for the patch series. Each file is read once. */
export function sourceTreeOf(files: ImageFiles, sitePackages: string): SourceTree {
  const texts = new Map<string, Promise<string | null>>();
  const load = async (path: string): Promise<string | null> => {
    const file = await files.read(posix.join(sitePackages, path));
    return file === null ? null : Buffer.from(file.data).toString('utf8');
  };
  return {
    read: (path) => {
      const known = texts.get(path) ?? load(path);
      texts.set(path, known);
      return known;
    },
  };
}
