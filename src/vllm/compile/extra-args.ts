import { StepError } from '../../lib/index.ts';
import type { CompiledItem } from '../types.ts';

/** Flags that decide where and as what the engine answers: the driver, the proxy and readiness own them. */
const reserved: Readonly<Record<string, string>> = {
  '--host': 'the driver decides where the engine listens; the front door is proxy.listen',
  '--port': 'the driver decides where the engine listens; the front door is proxy.listen',
  '--uds': 'the driver decides where the engine listens; the front door is proxy.listen',
  '--served-model-name': 'clients and readiness use serve.name',
  '--model': 'the model comes from model.repo or model.path',
  '--api-key': 'the front door checks keys (stepctl keys create); the engine itself is not reachable',
  '--ssl-keyfile': 'the engine answers plain HTTP to the proxy only',
  '--ssl-certfile': 'the engine answers plain HTTP to the proxy only',
  '--root-path': 'the proxy calls the engine without a prefix',
  '--headless': 'an engine without HTTP cannot be proxied',
  '--grpc': 'an engine without HTTP cannot be proxied',
};

const shortNames: Readonly<Record<string, string>> = {
  '-tp': '--tensor-parallel-size',
  '-pp': '--pipeline-parallel-size',
  '-dp': '--data-parallel-size',
};

/** `--max_model_len=4096` → `--max-model-len`: vLLM takes underscores, short forms and `=`. null for a value. */
const toFlagName = (arg: string): string | null => {
  if (!arg.startsWith('-') || /^-\d/.test(arg)) return null;
  const name = (arg.split('=')[0] ?? '').toLowerCase();
  return shortNames[name] ?? name.replaceAll('_', '-');
};

/**
 * Looks at the arguments that a person adds. Throws STEP_VLLM_ARGUMENT_RESERVED for those that would take the engine
 * away from stepctl; warns of those that repeat what is compiled already (the last one wins in vLLM).
 */
export function checkExtraArgs(extraArgs: readonly string[], items: readonly CompiledItem[]): string[] {
  const warnings: string[] = [];
  if (extraArgs[0] === 'serve') {
    throw new StepError('STEP_VLLM_ARGUMENT_RESERVED', {
      verdict: 'the extra arguments start with serve',
      reason: 'stepctl runs `vllm serve MODEL` by itself; a second serve is an unrecognized argument',
      next: 'give only the flags after --, for instance: stepctl up -- --max-num-seqs 64',
    });
  }
  for (const arg of extraArgs) {
    const name = toFlagName(arg);
    if (name === null) continue;
    const why = reserved[name];
    if (why !== undefined) {
      throw new StepError('STEP_VLLM_ARGUMENT_RESERVED', {
        verdict: `${name} cannot be given as an extra vLLM argument`,
        reason: why,
        next: `leave out ${name}`,
        details: { argument: name },
      });
    }
    const positive = name.replace(/^--no-/, '--');
    const repeated = items.find((item) => item.kind === 'flag' && item.name === positive);
    if (repeated !== undefined) {
      warnings.push(
        `${name} is given as an extra argument and by ${repeated.because}: the extra argument wins`,
      );
    }
  }
  return warnings;
}
