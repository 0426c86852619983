import { z } from 'zod';
import type { DockerClient } from '../../engine/index.ts';
import { StepError } from '../../lib/index.ts';
import { runOnce } from './run-once.ts';

/** Where vLLM lies in an image; images differ (dist-packages, /opt/venv, conda). */
export const layoutSchema = z.object({
  /** Absolute path of the Python that has vLLM. */
  python: z.string().startsWith('/'),
  /** Folder that holds `vllm/`, links resolved. */
  sitePackages: z.string().startsWith('/'),
  /** Tag in the names of bytecode files, e.g. `cpython-312`. */
  cacheTag: z.string(),
  /** The image's own user, as numbers. */
  uid: z.number().int(),
  gid: z.number().int(),
});

export type ImageLayout = z.infer<typeof layoutSchema>;

const mark = '@@stepctl-layout ';

/** Finds vLLM without importing it: an import takes seconds and needs its GPU libraries. */
const script = `
import importlib.util, json, os, sys
spec = importlib.util.find_spec("vllm")
if spec is None or spec.origin is None:
    sys.exit(3)
site = os.path.dirname(os.path.dirname(os.path.realpath(spec.origin)))
print("${mark}" + json.dumps({
    "python": sys.executable,
    "sitePackages": site,
    "cacheTag": sys.implementation.cache_tag,
    "uid": os.getuid(),
    "gid": os.getgid(),
}))
`;

/** The first Python on the image's PATH, or in the usual places, that can find vLLM. */
const shell =
  'for p in python3 python /opt/venv/bin/python; do "$p" -c "$0" 2>/dev/null && exit 0; done; exit 3';

/** Asks the image where its vLLM is. Throws STEP_BUILD_BASE where it has none. */
export async function findLayout(
  docker: DockerClient,
  image: string,
  signal: AbortSignal,
): Promise<ImageLayout> {
  const result = await runOnce(docker, {
    image,
    command: ['/bin/sh', '-c', shell, script],
    timeoutMs: 120_000,
    signal,
  });
  const line = result.stdout.split('\n').findLast((candidate) => candidate.startsWith(mark));
  const parsed =
    line === undefined ? undefined : layoutSchema.safeParse(JSON.parse(line.slice(mark.length))).data;
  if (parsed !== undefined) return parsed;
  throw new StepError('STEP_BUILD_BASE', {
    verdict: `image ${image} holds no vLLM`,
    reason: 'no Python in it finds a package called vllm',
    next: 'name an image with vLLM in engine.image, such as vllm/vllm-openai:v0.16.0',
    details: { image, exitCode: result.code },
  });
}
