import type { EngineDriver, EngineSpec } from '../types.ts';
import { createProcessDriver, type ProcessDriverDeps } from '../process/driver.ts';
import { simulatorPath } from './program.ts';

/** The spec with the simulator in place of vLLM; everything else is the process driver's own way. */
const withSimulator = (spec: EngineSpec): EngineSpec => ({
  ...spec,
  program: [process.execPath, simulatorPath()],
});

/** Runs the simulator, as a real child process with real signals, sockets and logs. */
export function createSimDriver(deps: ProcessDriverDeps = {}): EngineDriver {
  const driver = createProcessDriver(deps, 'sim');
  return {
    ...driver,
    check: (spec) => driver.check(withSimulator(spec)),
    start: (spec) => driver.start(withSimulator(spec)),
  };
}
