interface Parsed {
  readonly numbers: readonly number[];
  /** dev < a < b < rc < release < post. */
  readonly stage: number;
  readonly stageNumber: number;
}

const stages: Readonly<Record<string, number>> = {
  dev: -4,
  a: -3,
  alpha: -3,
  b: -2,
  beta: -2,
  rc: -1,
  c: -1,
  post: 1,
};

// Python's form (PEP 440), not semver: 0.16.0rc2, 0.1.dev16944, 0.32.0+cpu, 0.22.0.post1; images add a leading v.
const parseVersion = (text: string): Parsed => {
  const match = /^v?(\d+(?:\.\d+)*)(?:[.-]?(dev|alpha|beta|a|b|rc|c|post)\.?(\d+)?(?![a-z0-9]))?/i.exec(
    text.trim(),
  );
  const numbers = (match?.[1] ?? '0').split('.').map(Number);
  return {
    numbers,
    stage: stages[match?.[2]?.toLowerCase() ?? ''] ?? 0,
    stageNumber: Number(match?.[3] ?? 0),
  };
};

/**
 * Orders two vLLM versions: negative, 0 or positive as for a sort. Missing numbers are zeros, a local part (`+cpu`,
 * `-cu130`) does not count.
 */
export function compareVersions(left: string, right: string): number {
  const a = parseVersion(left);
  const b = parseVersion(right);
  for (let index = 0; index < Math.max(a.numbers.length, b.numbers.length); index++) {
    const difference = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.stage - b.stage || a.stageNumber - b.stageNumber;
}

/** True when `version` is in `[since, until)`; null is open. */
export const isWithin = (version: string, since: string | null, until: string | null): boolean =>
  (since === null || compareVersions(version, since) >= 0) &&
  (until === null || compareVersions(version, until) < 0);
