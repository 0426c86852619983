export { type ControllerClient, findController, needController } from './client.ts';
export { claimInstance, type ClaimedInstance, type InstanceRecord, readInstance } from './instance.ts';
export { type ControlServer, serveControl } from './server.ts';
export type {
  ControllerApi,
  ControllerStage,
  PatchFact,
  ProofFact,
  RuntimeFact,
  StatusReport,
} from './types.ts';
