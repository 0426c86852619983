import { Readable } from 'node:stream';
import type { ImageBuildOptions } from 'dockerode';
import type { DockerClient } from '../../engine/index.ts';
import { StepError } from '../../lib/index.ts';

interface BuildLine {
  readonly stream?: string;
  readonly error?: string;
  readonly aux?: { readonly ID?: string };
}

export interface RunBuildInput {
  /** What is being built, for messages. */
  readonly what: string;
  /** The build context as a tar. */
  readonly context: Buffer;
  readonly options: ImageBuildOptions;
  readonly onLine?: (line: string) => void;
}

/** Has the daemon build a context and returns the image's id. Throws STEP_BUILD_IMAGE with the daemon's own words. */
export async function runBuild(docker: DockerClient, input: RunBuildInput): Promise<string> {
  const output = await docker.buildImage(Readable.from([input.context]), {
    rm: true,
    forcerm: true,
    ...input.options,
  });
  let id: string | null = null;
  let last = '';
  const failure = await new Promise<unknown>((resolve) => {
    docker.modem.followProgress(
      output,
      (error) => resolve(error),
      (event: BuildLine) => {
        if (event.aux?.ID !== undefined) id = event.aux.ID;
        const text = (event.stream ?? event.error ?? '').trim();
        if (text === '') return;
        last = text;
        input.onLine?.(text);
      },
    );
  });
  if (failure === null && id !== null) return id;
  throw new StepError('STEP_BUILD_IMAGE', {
    verdict: `Docker could not build ${input.what}`,
    reason:
      failure instanceof Error
        ? failure.message
        : last === ''
          ? 'the daemon named no image at the end'
          : last,
    next: "read the reason above; free disk space and the daemon's log are the first places to look: docker system df",
    ...(failure === null ? {} : { cause: failure }),
  });
}
