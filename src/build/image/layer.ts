import { labelInstruction } from './inputs.ts';
import type { Overlay } from './overlay.ts';
import { runBuild } from './run-build.ts';
import { packTar } from './tar.ts';
import type { Work } from './work.ts';

const contextFile = (path: string, data: Uint8Array) => ({
  path,
  data,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtimeMs: 0,
});

/**
 * The one layer. ADD unpacks a local tar with owner, mode and time of each entry, also where the base's user is not
 * root, and touches no folder that the tar does not name; COPY would do none of these.
 */
export async function buildLayer(work: Work, baseId: string, overlay: Overlay): Promise<string> {
  if (overlay.files.length === 0) return baseId;
  const context = await packTar([
    contextFile('Dockerfile', Buffer.from(`FROM ${baseId}\nADD layer.tar /\n`)),
    contextFile('layer.tar', await packTar(overlay.files, overlay.folders)),
  ]);
  return runBuild(work.docker, { what: work.tag, context, options: { abortSignal: work.signal } });
}

/** Labels and name come last and add no files: an image that has the name has been proven. */
export async function nameImage(work: Work, layer: string, labels: Record<string, string>): Promise<string> {
  const dockerfile = contextFile('Dockerfile', Buffer.from(`FROM ${layer}\n${labelInstruction(labels)}\n`));
  return runBuild(work.docker, {
    what: work.tag,
    context: await packTar([dockerfile]),
    options: { t: work.tag },
  });
}
