import type { Diagnosis } from '../../vllm/types.ts';

/** Diagnoses that the supervisor itself makes, where the engine's log has no say. */
export const startTimeout = (startTimeoutMs: number, phase: string): Diagnosis => ({
  signature: 'start-timeout',
  cause: `The engine was not ready after ${Math.round(startTimeoutMs / 1000)} s; it was last seen in phase ${phase}.`,
  evidence: [],
  advice:
    'read its last lines with: stepctl logs engine; give slow disks more time with --set engine.startTimeoutMs=…',
  deterministic: false,
});

export const unhealthy = (suspectTimeoutMs: number, why: string): Diagnosis => ({
  signature: 'unhealthy',
  cause: `The engine was unhealthy for ${Math.round(suspectTimeoutMs / 1000)} s without ending: ${why}.`,
  evidence: [why],
  advice: 'read the stacks that SIGABRT printed with: stepctl logs engine --previous',
  deterministic: false,
});

export const launchUnanswered = (launchGraceMs: number): Diagnosis => ({
  signature: 'launch-unanswered',
  cause: `The driver has not said within ${Math.round(launchGraceMs / 1000)} s whether it started an engine.`,
  evidence: [],
  advice: 'look for a process or container of this instance, then: stepctl down',
  deterministic: false,
});

export const removeTimeout = (removeTimeoutMs: number): Diagnosis => ({
  signature: 'engine-not-removed',
  cause: `The engine was not removed within ${Math.round(removeTimeoutMs / 1000)} s; no second one is started beside it.`,
  evidence: [],
  advice: 'a process that SIGKILL does not end hangs in a driver: stepctl doctor',
  deterministic: true,
});
