export { writeFileAtomic } from './atomic-file.ts';
export { type Clock, systemClock } from './clock.ts';
export { catalogue, type ErrorCode } from './errors/catalogue.ts';
export { type CatalogueEntry, exitCodes } from './errors/exit-codes.ts';
export { StepError, type StepErrorParts, toStepError } from './errors/step-error.ts';
export { configDir, dataDir, instanceDir } from './paths.ts';
export { type Progress, type Reporter, silentReporter } from './reporter.ts';
export { type CheckpointScript, readCheckpointScript, type Script, scriptFileName } from './script.ts';
