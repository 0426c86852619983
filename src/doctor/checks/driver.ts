import { cudaOfBuild, lowestDriver } from '../gpu/cuda.ts';
import { needsOf } from '../needs.ts';
import { type GpuCheck, fail, pass, skipped, warn } from '../types.ts';

const major = (driver: string): number => Number.parseInt(driver, 10);

/** The driver against the CUDA that the build was made for: errors 803 and 804 of a start, told before it. */
export const driverCheck: GpuCheck = {
  id: 'driver',
  title: 'GPU driver',
  asksGpus: true,
  run: async ({ stack, gpus }) => {
    if (!needsOf(stack).gpu || gpus.length === 0) return skipped('no GPU is used');
    const drivers = [...new Set(gpus.map((gpu) => gpu.driver))];
    const seen = `driver ${drivers.join(', ')}`;
    const cuda = cudaOfBuild(stack);
    if (cuda === null)
      return warn(
        `${seen}; the name of image ${stack.engine.image ?? 'none'} does not tell its CUDA`,
        'docker run --rm --entrypoint env IMAGE | grep CUDA_VERSION; CUDA 13 needs driver 580',
      );
    const lowest = lowestDriver(
      cuda.version,
      gpus.map((gpu) => gpu.computeCapability),
    );
    if (lowest === null)
      return warn(`${seen}; CUDA ${cuda.version} (${cuda.because}) is not in the table`, 'try it');
    const needs = `CUDA ${cuda.version} (${cuda.because}) needs ${lowest} or newer`;
    const old = drivers.filter((driver) => major(driver) < lowest);
    if (old.length === 0) return pass(`${seen}; ${needs}`);
    return fail(
      `${seen}; ${needs}`,
      cuda.version.startsWith('13')
        ? 'update the driver, or take a build of CUDA 12.9: engine.image=vllm/vllm-openai:v{vllm}-cu129'
        : 'update the driver',
    );
  },
};
