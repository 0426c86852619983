import { createFrameReader, type DockerClient } from '../../engine/index.ts';
import { StepError } from '../../lib/index.ts';

export interface RunOnceInput {
  readonly image: string;
  /** Executable and arguments. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface RunOnceResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command in a container that is thrown away: no network, no capability, read-only root, as the image's own
 * user. Throws STEP_BUILD_RUN at the deadline and STEP_INTERRUPTED when aborted.
 */
export async function runOnce(docker: DockerClient, input: RunOnceInput): Promise<RunOnceResult> {
  const [program, ...rest] = input.command;
  const container = await docker.createContainer({
    Image: input.image,
    Entrypoint: program === undefined ? [] : [program],
    Cmd: rest,
    Env: [
      'HOME=/tmp',
      'PYTHONDONTWRITEBYTECODE=1',
      'VLLM_NO_USAGE_STATS=1',
      'VLLM_LOGGING_LEVEL=ERROR',
      'HF_HUB_OFFLINE=1',
    ],
    WorkingDir: '/',
    Labels: { 'stepctl.role': 'build' },
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      ReadonlyRootfs: true,
      Tmpfs: { '/tmp': 'rw,exec,nosuid,nodev,mode=1777' },
      PidsLimit: 4096,
      Init: true,
    },
  });
  const deadline = AbortSignal.timeout(input.timeoutMs);
  const abortSignal = AbortSignal.any([input.signal, deadline]);
  try {
    await container.start({ abortSignal });
    const { StatusCode } = (await container.wait({ abortSignal })) as { StatusCode: number };
    const output = await container.logs({ stdout: true, stderr: true });
    return { code: StatusCode, ...splitOutput(output) };
  } catch (error) {
    if (input.signal.aborted)
      throw new StepError('STEP_INTERRUPTED', { verdict: 'interrupted', cause: error });
    if (!deadline.aborted) throw error;
    throw new StepError('STEP_BUILD_RUN', {
      verdict: `a command in image ${input.image} did not end`,
      reason: `${program ?? ''} ran for more than ${input.timeoutMs} ms`,
      next: 'run the command again on a machine that is less busy',
      cause: error,
    });
  } finally {
    await container.remove({ force: true, v: true });
  }
}

function splitOutput(output: Uint8Array): { stdout: string; stderr: string } {
  const parts: Record<'stdout' | 'stderr', Uint8Array[]> = { stdout: [], stderr: [] };
  createFrameReader((stream, bytes) => parts[stream].push(bytes))(output);
  return {
    stdout: Buffer.concat(parts.stdout).toString('utf8'),
    stderr: Buffer.concat(parts.stderr).toString('utf8'),
  };
}
