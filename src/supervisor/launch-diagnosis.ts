import { exitCodes, type StepError } from '../lib/index.ts';
import type { Diagnosis } from '../vllm/types.ts';

/** Failures of the driver that the same start meets again: what is missing or wrong before anything runs. */
const sure: readonly number[] = [exitCodes.preflight, exitCodes.usage, exitCodes.patch];

/** A driver's refusal as a diagnosis: the engine never ran, so no log tells more. */
export const diagnoseError = (error: StepError): Diagnosis => ({
  signature: error.code,
  cause: error.reason === null ? error.verdict : `${error.verdict}: ${error.reason}`,
  evidence: [],
  advice: error.next ?? 'stepctl doctor',
  deterministic: sure.includes(error.exitCode),
});
