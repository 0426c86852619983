export {
  type TinyCheckpoint,
  type TinyCheckpointOptions,
  writeTinyCheckpoint,
} from './write-tiny-checkpoint.ts';
export type { TinyFormat } from './layout.ts';
export type { Router } from './architecture.ts';
