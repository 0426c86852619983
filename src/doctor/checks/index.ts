import type { Check, GpuCheck } from '../types.ts';
import { clockCheck } from './clock.ts';
import { dockerCheck } from './docker.ts';
import { driverCheck } from './driver.ts';
import { gpuHealthCheck } from './gpu-health.ts';
import { gpuCheck } from './gpu.ts';
import { iommuCheck } from './iommu.ts';
import { memlockCheck } from './memlock.ts';
import { modelCacheCheck } from './model-cache.ts';
import { orphansCheck } from './orphans.ts';
import { pcieCheck } from './pcie.ts';
import { peerToPeerCheck } from './peer-to-peer.ts';
import { cpuCheck, memoryCheck, nodeCheck, platformCheck } from './platform.ts';
import { portCheck } from './port.ts';
import { pythonCheck } from './python.ts';
import { advisoriesCheck } from './release.ts';
import { diskCheck, sharedMemoryCheck, tokenCheck, writableCheck } from './storage.ts';
import { gpuTenantsCheck } from './tenants.ts';
import { toolkitCheck } from './toolkit.ts';
import { xidCheck } from './xid.ts';

/** In the order of the report: the machine, its GPUs and their ways, what runs the engine, room, the front door. */
export const checks: readonly (Check | GpuCheck)[] = [
  nodeCheck,
  platformCheck,
  clockCheck,
  gpuCheck,
  driverCheck,
  gpuHealthCheck,
  xidCheck,
  gpuTenantsCheck,
  orphansCheck,
  pcieCheck,
  iommuCheck,
  peerToPeerCheck,
  cpuCheck,
  memoryCheck,
  memlockCheck,
  dockerCheck,
  toolkitCheck,
  pythonCheck,
  diskCheck,
  sharedMemoryCheck,
  writableCheck,
  modelCacheCheck,
  tokenCheck,
  portCheck,
  advisoriesCheck,
];
