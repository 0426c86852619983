export { createDriver, type DriverDeps } from './drivers.ts';
export {
  cacheTarget,
  connectDocker,
  containerRequest,
  createFrameReader,
  type DockerClient,
  dockerStatus,
  networkRequest,
} from './docker/index.ts';
export { parseExternalUrl } from './external/driver.ts';
export { closeDispatcher, dispatcherFor, originOf } from './http/dispatcher.ts';
export {
  connectionErrorCode,
  type EngineAnswer,
  type EngineRequest,
  parseAnswer,
  requestEngine,
} from './http/request.ts';
export { streamEngine } from './http/stream.ts';
export type { ListenPlan } from './process/listen.ts';
export type { ProcessDriverDeps } from './process/driver.ts';
export { describeSwitches, simSwitches } from './sim/faults.ts';
export { simulatorPath } from './sim/program.ts';
export type * from './types.ts';
