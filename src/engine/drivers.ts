import { createDockerDriver, type DockerDriverDeps } from './docker/index.ts';
import { createExternalDriver } from './external/driver.ts';
import { createProcessDriver, type ProcessDriverDeps } from './process/driver.ts';
import { createSimDriver } from './sim/driver.ts';
import type { DriverName, EngineDriver } from './types.ts';

/** What drivers may be handed; all optional, the defaults are this machine's. */
export interface DriverDeps {
  /** process and sim. */
  readonly process?: ProcessDriverDeps;
  readonly docker?: DockerDriverDeps;
}

/** One line a driver. */
const drivers: Readonly<Record<DriverName, (deps: DriverDeps) => EngineDriver>> = {
  docker: (deps) => createDockerDriver(deps.docker),
  process: (deps) => createProcessDriver(deps.process),
  sim: (deps) => createSimDriver(deps.process),
  external: () => createExternalDriver(),
};

/** The driver of that name. Looks at nothing yet: `check` does. */
export const createDriver = (name: DriverName, deps: DriverDeps = {}): EngineDriver => drivers[name](deps);
