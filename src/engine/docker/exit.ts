import { constants } from 'node:os';
import type { ContainerInspectInfo } from 'dockerode';
import type { EngineExit } from '../types.ts';

// Node lists SIGABRT before its second name SIGIOT; the first name is the one people know.
const nameOfSignal = (number: number): string | null =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;

/**
 * How the engine ended, from the container's state. An init runs in front of the engine and turns "killed by signal N"
 * into exit code 128+N, so both are told: the code as it is, and the signal it stands for.
 */
export function readExit(state: Pick<ContainerInspectInfo['State'], 'ExitCode' | 'OOMKilled'>): EngineExit {
  const signal = state.ExitCode > 128 ? nameOfSignal(state.ExitCode - 128) : null;
  return { code: state.ExitCode, signal, oomKilled: state.OOMKilled };
}

/** The end of a container about which the daemon can say nothing any more. */
export const unknownExit: EngineExit = { code: null, signal: null, oomKilled: false };
