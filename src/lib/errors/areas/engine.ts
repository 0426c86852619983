import { type CatalogueEntry, exitCodes } from '../exit-codes.ts';

export const engineErrors = {
  STEP_ENGINE_PROGRAM_MISSING: {
    exit: exitCodes.preflight,
    when: 'the program that starts the engine is not there',
  },
  STEP_ENGINE_SOCKET_PATH: {
    exit: exitCodes.preflight,
    when: "no folder is short enough for the engine's unix socket (sun_path holds 107 bytes)",
  },
  STEP_ENGINE_PORT_TAKEN: {
    exit: exitCodes.busy,
    when: 'somebody else listens on the port meant for the engine',
  },
  STEP_ENGINE_NOT_REMOVED: { exit: exitCodes.engine, when: 'processes of the engine survived SIGKILL' },
  STEP_ENGINE_UNREACHABLE: { exit: exitCodes.engine, when: 'nobody answers at the endpoint of the engine' },
  STEP_ENGINE_TIMEOUT: { exit: exitCodes.stall, when: 'the engine did not answer a request in time' },
  STEP_ENGINE_BAD_ANSWER: {
    exit: exitCodes.engine,
    when: 'the engine answered something that is not its protocol',
  },
  STEP_ENGINE_EXTERNAL_URL: {
    exit: exitCodes.usage,
    when: 'the address of an external engine is missing or wrong',
  },
  STEP_DOCKER_REMOTE: {
    exit: exitCodes.preflight,
    when: 'DOCKER_HOST names a daemon that is not on this machine',
  },
  STEP_DOCKER_MISSING: { exit: exitCodes.preflight, when: 'Docker is not installed' },
  STEP_DOCKER_NOT_RUNNING: { exit: exitCodes.preflight, when: 'no Docker daemon answers' },
  STEP_DOCKER_PERMISSION: {
    exit: exitCodes.preflight,
    when: 'the Docker socket may not be used by this user',
  },
  STEP_DOCKER_UNUSABLE: { exit: exitCodes.preflight, when: 'the Docker daemon does not answer as it should' },
  STEP_DOCKER_ADDRESS: {
    exit: exitCodes.preflight,
    when: 'containers of this daemon have no address that the host can reach',
  },
  STEP_DOCKER_SPEC: {
    exit: exitCodes.preflight,
    when: 'what is to run must not or cannot be handed to Docker',
  },
  STEP_DOCKER_IMAGE: { exit: exitCodes.preflight, when: 'an image is not on this machine and cannot be had' },
  STEP_DOCKER_GPU: { exit: exitCodes.gpu, when: 'the Docker daemon cannot give a GPU to a container' },
  STEP_DOCKER_BUSY: { exit: exitCodes.busy, when: 'a container or network of this instance exists already' },
  STEP_DOCKER_START: { exit: exitCodes.engine, when: 'Docker refused to start the engine' },
  STEP_DOCKER_STREAM: {
    exit: exitCodes.engine,
    when: "a container's output is not in the form it should have",
  },
} as const satisfies Record<string, CatalogueEntry>;
