import { join } from 'node:path';
import { dataDir, instanceDir } from '../../lib/index.ts';
import type { ResolvedStack } from '../../stack/index.ts';
import type { Context } from '../context.ts';
import type { Artefact } from './artefact.ts';
import { makeEngineSpec, modelPathFor, modelPlace } from './engine-spec.ts';

/** What a build would leave, named before it is made. */
const plannedArtefact = (resolved: ResolvedStack): Artefact => {
  const { engine, patches, emulation } = resolved.stack;
  return {
    program:
      engine.driver === 'process' ? ['ENVIRONMENT/bin/python', '-m', 'vllm.entrypoints.cli.main'] : ['vllm'],
    env: {},
    image:
      engine.driver === 'docker'
        ? (engine.image?.replaceAll('{vllm}', engine.vllm) ??
          `stepctl/cpu-base of ${engine.package} ${engine.vllm}`)
        : null,
    user: null,
    labels: {},
    name: null,
    patches: patches.map((id) => ({
      id,
      outcome: 'planned',
      reason: `decided on the files of vLLM ${engine.vllm}`,
    })),
    emulation,
    proof: null,
    pins: null,
  };
};

/** Prints the plan and the engine that would be launched, down to what the Docker daemon would be asked. Starts nothing. */
export async function dryRun(context: Context, resolved: ResolvedStack): Promise<void> {
  const { describePlan, redactArgs, redactEnv } = await import('../../stack/index.ts');
  const { compileServe } = await import('../../vllm/index.ts');
  const { stack } = resolved;
  const modelDir = stack.model.path ?? (await plannedSnapshot(context, resolved));
  const place = modelPlace(modelDir);
  const compiled = compileServe({ stack, modelPath: modelPathFor(stack.engine.driver, place) });
  const spec = makeEngineSpec({
    instance: context.instance,
    stack,
    artefact: plannedArtefact(resolved),
    place,
    compiled,
    stateDir: instanceDir(context.instance, context.env),
    cacheDir: join(dataDir(context.env), 'cache', stack.engine.vllm),
  });
  const plan = describePlan(stack, {
    buildPresent: null,
    patchesApplying: null,
    modelPresent: null,
    modelPartialBytes: 0,
    engineRunning: null,
  });
  const shown = { ...spec, args: redactArgs([...spec.args]), env: redactEnv(spec.env) };
  const container =
    stack.engine.driver === 'docker' ? (await import('../../engine/index.ts')).containerRequest(shown) : null;
  if (context.json) {
    const { items, dropped, warnings } = compiled;
    context.out.json({
      schema: 'stepctl/dry-run/1',
      profile: stack.profile,
      profileReason: resolved.profileReason,
      plan,
      items,
      dropped,
      warnings,
      spec: shown,
      container,
    });
    return;
  }
  context.out.line(`profile ${stack.profile}: ${resolved.profileReason}`);
  for (const step of plan)
    context.out.line(`  ${step.stage.padEnd(10)} ${step.action.padEnd(6)} ${step.reason}`);
  for (const warning of compiled.warnings) context.reporter.warn(warning);
  context.out.line(
    `\n${Object.entries(shown.env)
      .map(([name, value]) => `${name}=${value}`)
      .join(' ')} \\\n  ${[...shown.program, ...shown.args].join(' ')}`,
  );
  if (container !== null) context.out.line('\nthe container request for the Docker daemon: add --json');
}

async function plannedSnapshot(context: Context, { stack }: ResolvedStack): Promise<string> {
  const { hubSettings, repoFolderName } = await import('../../model/index.ts');
  const cache =
    stack.model.hub === 'builtin'
      ? join(dataDir(context.env), 'hub')
      : (await hubSettings(context.env)).cacheDir;
  return join(cache, repoFolderName(stack.model.repo ?? 'none/none'), 'snapshots', stack.model.revision);
}
