import { join } from 'node:path';
import { formatBytes } from '../progress.ts';
import {
  type CheckpointScript,
  dataDir,
  readCheckpointScript,
  type Reporter,
  StepError,
} from '../../lib/index.ts';
import type { Stack } from '../../stack/schema.ts';
import type { ModelFacts, PulledModel, PullOptions } from '../../model/index.ts';

export interface ModelOnDisk {
  /** For people: repository or folder. */
  readonly source: string;
  readonly path: string;
  readonly commit: string | null;
  readonly files: number;
  readonly bytes: number;
  readonly facts: ModelFacts;
  /** Known truth, where the checkpoint is a scripted one. */
  readonly script: CheckpointScript | null;
}

export interface ModelInput {
  readonly stack: Stack;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly reporter: Reporter;
  readonly signal: AbortSignal;
}

/** The pull stage: a verified model on this machine's disk, whatever the stack names as its source. */
export async function fetchModel(input: ModelInput): Promise<ModelOnDisk> {
  const { stack, reporter } = input;
  const { inspectModelDir } = await import('../../model/index.ts');
  if (stack.model.path !== null) {
    const facts = await inspectModelDir(stack.model.path);
    reporter.stage(
      'pull',
      `left out: ${stack.model.path} is used as it is (${facts.shards} shards, checked against its own index)`,
    );
    const script = await readCheckpointScript(stack.model.path);
    return {
      source: stack.model.path,
      path: stack.model.path,
      commit: null,
      files: facts.shards,
      bytes: facts.bytes,
      facts,
      script,
    };
  }
  if (stack.model.repo === null) {
    throw new StepError('STEP_STACK_INVALID', {
      verdict: 'the stack names no model',
      reason: 'model.repo and model.path are both empty',
      next: '--set model.repo=OWNER/NAME, or --set model.path=DIR',
    });
  }
  const pulled = await pullRepository(input, stack.model.repo);
  const facts = await inspectModelDir(pulled.snapshotDir);
  reporter.stage(
    'pull',
    `verified ${pulled.files} files, ${formatBytes(pulled.bytesTotal)}, commit ${pulled.commit.slice(0, 12)} (${formatBytes(pulled.bytesFetched)} fetched, ${formatBytes(pulled.bytesPresent)} were there)`,
  );
  const script = await readCheckpointScript(pulled.snapshotDir);
  return {
    source: stack.model.repo,
    path: pulled.snapshotDir,
    commit: pulled.commit,
    files: pulled.files,
    bytes: pulled.bytesTotal,
    facts,
    script,
  };
}

/** Pulls over the hub protocol; the builtin hub is started for as long as the pull takes. */
export async function pullRepository(
  { stack, env, reporter, signal }: ModelInput,
  repo: string,
  more: Pick<PullOptions, 'patterns' | 'maxConnections' | 'resumeCommand'> = {},
): Promise<PulledModel> {
  const { hubSettings, pullModel } = await import('../../model/index.ts');
  const builtin = stack.model.hub === 'builtin' ? await openBuiltinHub(repo, env, reporter) : null;
  const settings = hubSettings(env);
  try {
    return await pullModel({
      repo,
      revision: stack.model.revision,
      endpoint: builtin?.url ?? (stack.model.hub === 'default' ? settings.endpoint : stack.model.hub),
      token: builtin === null ? settings.token : null,
      tokenSource: settings.tokenSource,
      offline: builtin === null && settings.offline,
      ...more,
      cacheDir: builtin === null ? settings.cacheDir : join(dataDir(env), 'hub'),
      reporter,
      signal,
    });
  } finally {
    await builtin?.close();
  }
}

/** The hub that stepctl carries: a real server on loopback with the scripted tiny checkpoint, made when it is first needed. */
async function openBuiltinHub(
  repo: string,
  env: ModelInput['env'],
  reporter: Reporter,
): Promise<{ url: string; close(): Promise<void> }> {
  const { serveHub } = await import('../../model/index.ts');
  const { makeBuiltinModel } = await import('./builtin-model.ts');
  const dir = await makeBuiltinModel(repo, join(dataDir(env), 'models'), reporter);
  return serveHub({ repos: { [repo]: dir } });
}
