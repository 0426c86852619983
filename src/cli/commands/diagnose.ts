import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { StepError } from '../../lib/index.ts';
import type { LogDiagnosis } from '../../vllm/index.ts';
import type { CommandSpec, Context } from '../context.ts';

const chunkBytes = 1024 * 1024;
const shownChars = 300;

export const diagnoseCommand: CommandSpec = {
  name: 'diagnose',
  summary: 'why a vLLM log ends as it does: cause, evidence, what to change; any log, of any size',
  args: [
    {
      name: '<file>',
      description: 'a log of vLLM, as it is or as docker, kubectl or journald wrote it; - reads stdin',
    },
  ],
  examples: [
    'stepctl diagnose vllm.log',
    'docker logs my-vllm 2>&1 | stepctl diagnose -',
    'stepctl diagnose vllm.log --json | jq -r .diagnosis.advice',
  ],
  run: async (context, args) => {
    const { LogReader } = await import('../../vllm/index.ts');
    const reader = new LogReader();
    const file = args[0] ?? '-';
    for await (const chunk of await openLog(file)) {
      context.signal.throwIfAborted();
      reader.add(chunk as Buffer);
    }
    const result = reader.finish();
    if (context.json) context.out.json({ schema: 'stepctl/diagnose/1', file, ...result });
    else show(context, result);
    return codeOf(result);
  },
};

/** 0 it serves and nothing is wrong, 6 a known failure, 3 nothing that is known (or an empty log). */
const codeOf = ({ outcome }: LogDiagnosis): number =>
  outcome === 'healthy' ? 0 : outcome === 'failed' ? 6 : 3;

async function openLog(file: string): Promise<AsyncIterable<unknown>> {
  if (file === '-') return process.stdin;
  const stream = createReadStream(file, { highWaterMark: chunkBytes });
  try {
    await once(stream, 'open');
    return stream;
  } catch (error) {
    throw new StepError('STEP_FILE_UNREADABLE', {
      verdict: `the log ${file} cannot be read`,
      reason: error instanceof Error ? error.message : String(error),
      next: 'stepctl diagnose FILE, or: docker logs NAME 2>&1 | stepctl diagnose -',
      cause: error,
    });
  }
}

function show(context: Context, result: LogDiagnosis): void {
  const { out } = context;
  const { diagnosis, version, starts, start, phase, line } = result;
  const release = version === null ? '' : `, vLLM ${version}`;
  const which = starts > 1 ? `, start ${start} of ${starts}` : '';
  if (result.outcome === 'healthy' || diagnosis === null) {
    out.line(out.paint('green', `nothing is wrong in this log: the engine serves${release}${which}`));
    return;
  }
  out.line(
    out.paint(result.outcome === 'failed' ? 'red' : 'yellow', `${diagnosis.cause} (${diagnosis.signature})`),
  );
  const when =
    result.wasReady && phase === 'server' ? 'while it served' : phase === null ? '' : `phase ${phase}`;
  const where = [line === null ? '' : `line ${line}`, when].filter((text) => text !== '').join(', ');
  out.line(`  where  ${where === '' ? 'in the log' : where}${release}${which}`);
  for (const text of diagnosis.evidence) out.line(`  log    ${text.slice(0, shownChars)}`);
  out.line(`  next   ${diagnosis.advice}`);
  const again = diagnosis.deterministic ? 'the same start will fail again' : 'another start may work';
  out.line(`  again  ${again}`);
  if (result.earlier.length > 0) out.line(`  before ${result.earlier.join(', ')}`);
}
