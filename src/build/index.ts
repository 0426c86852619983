export { type EnvironmentInput, type PreparedEnvironment, prepareEnvironment } from './environment.ts';
export { type BuiltImage, buildImage } from './image.ts';
export type { ImageInput } from './image/work.ts';
export { ensureImage, type PullPolicy } from './image/ensure-image.ts';
export { connectDocker, type DockerClient } from '../engine/index.ts';
export {
  askOf,
  judgeProbe,
  parseProbeOutput,
  passedChecks,
  type ProbeReport,
  requireProbe,
} from './probe.ts';
export { renderProbeScript } from './probe-script.ts';
export type { RuntimeExpectation, RuntimeJudgement } from './runtime/judge.ts';
export { runtimeModule } from './runtime/plugin.ts';
export { type MoeFact, nonceVariable, type RuntimeReport } from './runtime/report.ts';
export { type RuntimeFacts, RuntimeProof } from './runtime/watch.ts';
export { type BuildProof, makeProof, type PackageName, proofSchema, verifyProof } from './proof.ts';
