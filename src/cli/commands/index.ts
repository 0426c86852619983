import type { CommandSpec } from '../context.ts';
import { benchCommand } from './bench.ts';
import { buildCommand } from './build.ts';
import { chatCommand } from './chat.ts';
import { completionCommand } from './completion.ts';
import {
  configCheckCommand,
  configProfilesCommand,
  configSchemaCommand,
  configShowCommand,
} from './config.ts';
import { diagnoseCommand } from './diagnose.ts';
import { doctorCommand } from './doctor.ts';
import { downCommand } from './down.ts';
import { keysCreateCommand, keysListCommand, keysRevokeCommand } from './keys.ts';
import { lockCommand } from './lock.ts';
import { logsCommand } from './logs.ts';
import { modelFitCommand } from './model-fit.ts';
import { modelTinyCommand } from './model.ts';
import { patchAddCommand } from './patch-add.ts';
import { patchDiffCommand } from './patch-diff.ts';
import { patchStatusCommand } from './patch-status.ts';
import { patchApplyCommand, patchListCommand, patchVerifyCommand } from './patch.ts';
import { pullCommand } from './pull.ts';
import { restartCommand } from './restart.ts';
import { smokeCommand } from './smoke.ts';
import { statusCommand } from './status.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';

/** Every command, in the order in which help lists them: run, prepare, prove, front door, elsewhere. */
export const allCommands: readonly CommandSpec[] = [
  upCommand,
  downCommand,
  restartCommand,
  statusCommand,
  logsCommand,
  chatCommand,
  doctorCommand,
  diagnoseCommand,
  buildCommand,
  lockCommand,
  pullCommand,
  verifyCommand,
  patchListCommand,
  patchStatusCommand,
  patchDiffCommand,
  patchApplyCommand,
  patchVerifyCommand,
  patchAddCommand,
  modelFitCommand,
  modelTinyCommand,
  smokeCommand,
  benchCommand,
  keysCreateCommand,
  keysListCommand,
  keysRevokeCommand,
  configShowCommand,
  configCheckCommand,
  configSchemaCommand,
  configProfilesCommand,
  completionCommand,
];
