import { buildErrors } from './areas/build.ts';
import { controlErrors } from './areas/control.ts';
import { doctorErrors } from './areas/doctor.ts';
import { engineErrors } from './areas/engine.ts';
import { generalErrors } from './areas/general.ts';
import { modelErrors } from './areas/model.ts';
import { patchErrors } from './areas/patch.ts';
import { proveErrors } from './areas/prove.ts';
import { proxyErrors } from './areas/proxy.ts';
import { stackErrors } from './areas/stack.ts';
import { supervisorErrors } from './areas/supervisor.ts';
import { vllmErrors } from './areas/vllm.ts';

/** Every error code of stepctl, once. Grouped by the room that throws it; `STEP_<AREA>_<FAILURE>`. */
export const catalogue = {
  ...generalErrors,
  ...stackErrors,
  ...vllmErrors,
  ...patchErrors,
  ...buildErrors,
  ...modelErrors,
  ...engineErrors,
  ...supervisorErrors,
  ...proxyErrors,
  ...controlErrors,
  ...proveErrors,
  ...doctorErrors,
} as const;

export type ErrorCode = keyof typeof catalogue;
