import { needsOf } from '../needs.ts';
import { readProcessFacts } from '../processes.ts';
import { runProgram } from '../run-program.ts';
import { type GpuCheck, type GpuContext, fail, pass, skipped, type Verdict, warn } from '../types.ts';
import { gpusWanted } from './gpu.ts';

const MiB = 1024 * 1024;

export interface Tenant {
  readonly pid: number;
  readonly gpuUuid: string;
  readonly name: string;
  /** null where the driver does not tell (a container, WSL). */
  readonly usedBytes: number | null;
}

/** Lines of `--query-compute-apps=pid,gpu_uuid,process_name,used_memory --format=csv,noheader,nounits`. Pure. */
export function parseTenants(text: string): Tenant[] {
  return text.split('\n').flatMap((line) => {
    const cells = line.split(',').map((cell) => cell.trim());
    // A process name may hold commas: the other three are at the ends.
    const [pid = '', gpuUuid = ''] = cells;
    const used = cells.at(-1) ?? '';
    if (cells.length < 4 || !/^\d+$/.test(pid)) return [];
    const name = cells.slice(2, -1).join(', ');
    return [{ pid: Number(pid), gpuUuid, name, usedBytes: /^\d+$/.test(used) ? Number(used) * MiB : null }];
  });
}

const gib = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

async function describe(tenant: Tenant, { gpus, root }: GpuContext): Promise<string> {
  const facts = await readProcessFacts(root, tenant.pid);
  const gpu = gpus.find(({ uuid }) => uuid === tenant.gpuUuid);
  const held = tenant.usedBytes === null ? 'memory' : gib(tenant.usedBytes);
  const where = facts?.container === null || facts === null ? '' : ` in container ${facts.container}`;
  const name = facts === null || facts.command === '' ? tenant.name : facts.command.slice(0, 60);
  return `pid ${tenant.pid}${where} (${name}) holds ${held} of GPU ${gpu?.index ?? tenant.gpuUuid}`;
}

/** Blocks only where what is left cannot hold the weights. */
export function judgeTenants(context: Pick<GpuContext, 'stack' | 'gpus'>, texts: readonly string[]): Verdict {
  const { stack, gpus } = context;
  const share = needsOf(stack).modelBytes / stack.serve.tensorParallel;
  const full = gpus
    .slice(0, gpusWanted(stack))
    .filter(({ memoryBytes, details }) => memoryBytes - (details.memoryUsedBytes ?? 0) < share);
  if (texts.length === 0 && full.length === 0) return pass('nobody');
  const seen = texts.length === 0 ? 'nobody that nvidia-smi names' : texts.join('; ');
  if (full.length > 0 && full.every(({ memoryBytes }) => memoryBytes >= share)) {
    const left = full.map(
      ({ index, memoryBytes, details }) =>
        `GPU ${index} has ${gib(memoryBytes - (details.memoryUsedBytes ?? 0))} left`,
    );
    return fail(
      `${seen}; ${left.join(', ')}, and the weights take ${gib(share)} each`,
      'end them and look again: memory is given back some seconds after a process is gone',
    );
  }
  if (texts.length === 0) return pass('nobody');
  return warn(seen, 'end them before a start: weights and KV cache are sized for an empty GPU');
}

/** Who else holds GPU memory, by pid: often an EngineCore that outlived its server. */
export const gpuTenantsCheck: GpuCheck = {
  id: 'gpu-tenants',
  title: 'GPU memory held by others',
  asksGpus: true,
  run: async (context) => {
    const { stack, env, gpus, signal, programMs } = context;
    if (!needsOf(stack).gpu || gpus.length === 0) return skipped('no GPU is used');
    const args = [
      '--query-compute-apps=pid,gpu_uuid,process_name,used_memory',
      '--format=csv,noheader,nounits',
    ];
    const result = await runProgram('nvidia-smi', args, { env, signal, timeoutMs: programMs });
    if (result.kind !== 'done') return warn('nvidia-smi does not tell', 'look with nvidia-smi by hand');
    const tenants = parseTenants(result.stdout);
    return judgeTenants(context, await Promise.all(tenants.map((tenant) => describe(tenant, context))));
  },
};
