import type { Context } from '../context.ts';
import { summarise, talk } from '../talk.ts';
import type { ReadyFacts } from './detach.ts';

/** What is asked of an ordinary model, and of a scripted one without a script of its own. */
export const firstQuestion = 'In one sentence: who are you?';

/** The first question through the front door, printed as it streams: the proof that the whole chain works. */
export async function greet(context: Context, facts: ReadyFacts): Promise<void> {
  const { out } = context;
  const target = { url: facts.url, model: facts.servedName, key: facts.key, modelPath: null, inFlight: null };
  const question = { text: facts.question, system: null, maxTokens: 512, temperature: 0, timeoutMs: 300_000 };
  if (!context.json) out.say(`\n${out.paint('bold', `> ${facts.question}`)}`);
  const said = await talk(out, target, question, !context.json, context.signal);
  if (context.json)
    out.json({
      schema: 'stepctl/event/1',
      event: 'answer',
      reasoning: said.reasoning,
      content: said.content,
    });
  else out.say(out.paint('dim', summarise(said.finish)));
}

export interface Surroundings {
  readonly profile: string;
  readonly instance: string;
  readonly detached: boolean;
  /** The script or bundle that runs; a checkout runs its TypeScript and has no `stepctl` on the PATH. */
  readonly entry: string;
}

/** Address, key, how to stop, and what this profile leaves to a real machine. Pure. */
export function nextSteps(facts: ReadyFacts, { profile, instance, detached, entry }: Surroundings): string {
  const at = instance === 'default' ? '' : ` --instance ${instance}`;
  const lines = [
    `ready     ${facts.servedName} at ${facts.url}/v1 (OpenAI-compatible)`,
    facts.auth === 'keys'
      ? 'key       stepctl keys create laptop     # shown once; clients send it as a bearer token'
      : 'key       none needed on this address',
    `talk      stepctl chat "Hello"${at}`,
    `look      stepctl status${at} · stepctl logs${at} · stepctl smoke${at} · stepctl bench${at}`,
    detached ? `stop      stepctl down${at}` : `stop      Ctrl-C here, or stepctl down${at} elsewhere`,
    ...(entry.endsWith('.ts') ? ['here      in this checkout, stepctl is: npm run stepctl -- …'] : []),
    ...(beyond[profile] ?? []),
  ];
  return lines.join('\n');
}

const beyond: Readonly<Record<string, readonly string[]>> = {
  demo: [
    'beyond    this was the demo: real hub protocol, supervisor and proxy around a simulated engine.',
    '          stepctl up --profile tiny-cpu     real vLLM on this CPU, patched, with a toy model (about 9 GB, some minutes)',
    '          stepctl up                        with 2 NVIDIA GPUs of 96 GB: Step-3.5-Flash-NVFP4 itself (105 GB)',
  ],
  'tiny-cpu': [
    'beyond    this is real vLLM with a toy model and CPU stand-ins for GPU kernels: no figure here speaks of a GPU.',
    '          stepctl up                        with 2 NVIDIA GPUs of 96 GB: Step-3.5-Flash-NVFP4 itself (105 GB)',
  ],
};
