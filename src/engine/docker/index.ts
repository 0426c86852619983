export {
  connectDocker,
  type DockerClient,
  dockerSocketPath,
  dockerStatus,
  explainDockerFailure,
} from './connect.ts';
export { createFrameReader } from './frames.ts';
export { createDockerDriver, type DockerDriverDeps } from './driver.ts';
export { cacheTarget, dockerLabels, engineName, enginePort } from './names.ts';
export { containerRequest, findSecretNames, networkRequest } from './request.ts';
