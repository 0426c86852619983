import { StepError } from '../../lib/index.ts';
import type { GivenArgument } from './read-arguments.ts';

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

/** Throws STEP_VLLM_ARGUMENT_RESERVED for an argument that would take the engine away, short forms (`--hos`) included. */
export function refuseReserved(extraArgs: readonly string[], given: readonly GivenArgument[]): void {
  if (extraArgs[0] === 'serve') {
    throw new StepError('STEP_VLLM_ARGUMENT_RESERVED', {
      verdict: 'the extra arguments start with serve',
      reason: 'stepctl runs `vllm serve MODEL` by itself; a second serve is an unrecognized argument',
      next: 'give only the flags after --, for instance: stepctl up -- --max-num-seqs 64',
    });
  }
  for (const { name, written, candidates } of given) {
    const hit = [name.toLowerCase(), ...candidates].find((one) => reserved[one] !== undefined);
    if (hit === undefined) continue;
    throw new StepError('STEP_VLLM_ARGUMENT_RESERVED', {
      verdict: `${written} cannot be given as an extra vLLM argument`,
      reason: reserved[hit] ?? '',
      next: `leave out ${written}`,
      details: { argument: hit },
    });
  }
}
