import type { BuildProof } from '../proof.ts';
import type { MoeFact, RuntimeReport } from './report.ts';

/** What the running engine must say, taken from the proof of the build and from the stack. */
export interface RuntimeExpectation {
  readonly proof: BuildProof;
  /** Processes that load the model: tensor parallel size. */
  readonly workers: number;
  /** `serve.moeBackend` of the stack. */
  readonly moeBackend: 'auto' | 'no-flashinfer' | 'cutlass' | 'marlin';
}

export interface RuntimeJudgement {
  /** pending: nothing speaks against it, but not every process has spoken. */
  readonly verdict: 'yes' | 'no' | 'pending';
  /** What is not as it was built, one sentence each. */
  readonly failures: readonly string[];
  /** Who has not spoken yet. */
  readonly silent: readonly string[];
  /** Worth knowing, no failure. */
  readonly notes: readonly string[];
}

const nameOf = ({ role, rank, pid }: RuntimeReport): string => {
  const title = { api: 'API server', core: 'engine core', worker: `worker ${rank ?? '?'}` }[role];
  return `${title} (pid ${pid})`;
};

/** Pure: compares what the processes said with what was built. Failures come first, silence is judged by the caller's deadline. */
export function judgeReports(
  reports: readonly RuntimeReport[],
  expected: RuntimeExpectation,
): RuntimeJudgement {
  const failures = reports.flatMap((report) => failuresOf(report, expected));
  const silent = whoIsSilent(reports, expected.workers);
  const notes = reports.flatMap((report) => notesOf(report, expected));
  const verdict = failures.length > 0 ? 'no' : silent.length > 0 ? 'pending' : 'yes';
  return { verdict, failures, silent, notes: [...new Set(notes)] };
}

function whoIsSilent(reports: readonly RuntimeReport[], workers: number): string[] {
  const said = (role: RuntimeReport['role']): boolean => reports.some((report) => report.role === role);
  const ranks = new Set(reports.flatMap((report) => (report.kind === 'model' ? [report.rank ?? 0] : [])));
  const silent = said('api') ? [] : ['the API server'];
  if (!said('core')) silent.push('the engine core');
  for (let rank = 0; rank < workers; rank += 1) if (!ranks.has(rank)) silent.push(`worker ${rank}`);
  return silent;
}

function failuresOf(report: RuntimeReport, expected: RuntimeExpectation): string[] {
  const who = nameOf(report);
  const found = [
    ...(report.error === undefined ? [] : [`could not look: ${report.error}`]),
    ...moduleFailures(report, expected.proof),
    ...answerFailures(report, expected.proof),
    ...backendFailures(report.moe ?? [], expected.moeBackend),
    ...(claimsLoading(expected.proof) ? weightFailures(report) : []),
  ];
  return found.map((text) => `${who}: ${text}`);
}

function moduleFailures(report: RuntimeReport, proof: BuildProof): string[] {
  return proof.patches.flatMap(({ id, files }) =>
    files.flatMap(({ path, sha256 }) => {
      const seen = report.modules?.find((module) => module.path === path);
      if (seen === undefined) return [`says nothing of ${path} (patch ${id})`];
      if (seen.sha256 !== sha256)
        return [`${path} has sha256 ${seen.sha256 ?? `unknown (${String(seen.code)})`}, built was ${sha256}`];
      if (seen.code === true || seen.code === 'not loaded') return [];
      return [`${path}: ${seen.code}`];
    }),
  );
}

function answerFailures(report: RuntimeReport, proof: BuildProof): string[] {
  return proof.patches.flatMap(({ id, checks }) =>
    checks.flatMap((check) => {
      const said = report.patches?.[id]?.[check] ?? 'no answer';
      return said === true ? [] : [`patch ${id}: ${check}: ${said}`];
    }),
  );
}

const isFp4 = ({ method }: MoeFact): boolean => /fp4/i.test(method);

/** Only of NVFP4 layers: the intent is about their kernels. */
function backendFailures(moe: readonly MoeFact[], intent: RuntimeExpectation['moeBackend']): string[] {
  const fits: Record<typeof intent, (backend: string) => boolean> = {
    auto: () => true,
    'no-flashinfer': (backend) => !/flashinfer/i.test(backend),
    cutlass: (backend) => /cutlass/i.test(backend) && !/flashinfer/i.test(backend),
    marlin: (backend) => /marlin/i.test(backend),
  };
  return moe
    .filter((fact) => isFp4(fact) && !fits[intent](fact.backend))
    .map(({ layers, backend }) => `MoE layers ${layers} took ${backend}, against serve.moeBackend ${intent}`);
}

/** A patch that edits vLLM, or vLLM's own version of it, promises that the checkpoint loads whole. */
const claimsLoading = (proof: BuildProof): boolean => proof.patches.some((patch) => patch.files.length > 0);

/**
 * vLLM's own check is off for quantised checkpoints (its pull requests 35074, 35309): a loader that passes over names it does
 * not know leaves memory as it was, and the engine answers nonsense with a green /health.
 */
function weightFailures({ weights }: RuntimeReport): string[] {
  if (weights === undefined || weights === null || weights.unfilled === 0) return [];
  return [
    `${weights.unfilled} of ${weights.parameters} parameters were filled by no tensor of the checkpoint: ${weights.names.join(', ')}`,
  ];
}

function notesOf(report: RuntimeReport, expected: RuntimeExpectation): string[] {
  const notes = claimsLoading(expected.proof) ? [] : weightFailures(report);
  if (report.kind === 'model' && (report.weights ?? null) === null)
    notes.push('this weight loader does not tell which parameters it filled');
  const backends = new Set((report.moe ?? []).filter(isFp4).map((fact) => fact.backend));
  if (backends.size > 1)
    notes.push(
      `MoE layers take different kernels: ${(report.moe ?? [])
        .map(({ layers, backend, activation }) => `${layers} ${backend} (${activation ?? 'no activation'})`)
        .join(', ')}`,
    );
  return notes;
}
