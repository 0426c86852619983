import { z } from 'zod';
import { StepError } from '../../lib/index.ts';
import { runTool } from './run.ts';

export interface PythonFound {
  /** Real path: a version manager's stand-in answers differently per folder. */
  readonly executable: string;
  /** `3.11` */
  readonly version: string;
}

/** Newest first; what releases from 0.15 on admit. 3.14 is left to the release's own Requires-Python. */
export const pythonVersions = ['3.13', '3.12', '3.11', '3.10'] as const;

const factsSchema = z.object({ executable: z.string(), version: z.string() });
const factsScript =
  "import json, sys; print(json.dumps({'executable': sys.executable, 'version': '%d.%d' % sys.version_info[:2]}))";

interface FindInput {
  /** Only this one, e.g. `3.11`; absent: every version stepctl knows. */
  readonly wanted?: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Every Python on PATH that really runs, newest first (a stand-in of pyenv may be there and run nothing). Throws STEP_BUILD_PYTHON. */
export async function findPythons(input: FindInput): Promise<readonly PythonFound[]> {
  const wanted: readonly string[] = input.wanted === undefined ? pythonVersions : [input.wanted];
  const found: PythonFound[] = [];
  for (const name of [...wanted.map((version) => `python${version}`), 'python3']) {
    const facts = await askPython(name, input);
    if (facts === null || !wanted.includes(facts.version)) continue;
    if (found.every((other) => other.version !== facts.version)) found.push(facts);
  }
  if (found.length > 0) return found.toSorted((a, b) => minor(b.version) - minor(a.version));
  throw new StepError('STEP_BUILD_PYTHON', {
    verdict: `no Python ${wanted.join(', ')} on PATH`,
    reason: 'the process driver runs vLLM in a Python environment of its own',
    next: `install Python ${wanted[0] ?? '3.12'} with its venv module, or use --set engine.driver=docker`,
  });
}

async function askPython(name: string, input: FindInput): Promise<PythonFound | null> {
  const args = ['-I', '-c', factsScript];
  const answer = await runTool({ ...input, command: name, args, timeoutMs: 20_000 });
  if (!answer.ok) return null;
  try {
    return factsSchema.safeParse(JSON.parse(answer.output.trim().split('\n').at(-1) ?? '')).data ?? null;
  } catch {
    return null;
  }
}

const minor = (version: string): number => Number(version.split('.')[1] ?? 0);
