import { randomBytes } from 'node:crypto';
import { judgeReports, type RuntimeExpectation, type RuntimeJudgement } from './judge.ts';
import { joinReports, type MoeFact, parseReport, type RuntimeReport } from './report.ts';

/** What is known of the running engine from its own processes: shown by `status`. */
export interface RuntimeFacts extends RuntimeJudgement {
  readonly processes: readonly Pick<RuntimeReport, 'role' | 'rank' | 'pid'>[];
  readonly moe: readonly MoeFact[];
  /** Parameters of the model in all workers, and how many no tensor filled; null until told. */
  readonly weights: { readonly parameters: number; readonly unfilled: number } | null;
}

/** Gathers the reports of one engine after the other. Bounded: an engine that talks without end is cut at 400 lines. */
export class RuntimeProof {
  /** Goes into the engine's environment; only lines that carry it count. */
  readonly nonce = randomBytes(16).toString('hex');
  readonly #expected: RuntimeExpectation;
  #lines: RuntimeReport[] = [];

  constructor(expected: RuntimeExpectation) {
    this.#expected = expected;
  }

  /** Another engine starts: what its predecessor said proves nothing. */
  begin(): void {
    this.#lines = [];
  }

  /** True when the line was a report. */
  line(text: string): boolean {
    const report = parseReport(text, this.nonce);
    if (report !== null && this.#lines.length < 400) this.#lines.push(report);
    return report !== null;
  }

  facts(): RuntimeFacts {
    const reports = joinReports(this.#lines);
    const models = reports.filter(({ kind }) => kind === 'model');
    const told = models.flatMap(({ weights }) => weights ?? []);
    const sum = (key: 'parameters' | 'unfilled'): number => told.reduce((all, one) => all + one[key], 0);
    const processes = new Map(reports.map(({ role, rank, pid }) => [pid, { role, rank, pid }]));
    return {
      ...judgeReports(reports, this.#expected),
      processes: [...processes.values()],
      moe: models[0]?.moe ?? [],
      weights: told.length === 0 ? null : { parameters: sum('parameters'), unfilled: sum('unfilled') },
    };
  }
}
