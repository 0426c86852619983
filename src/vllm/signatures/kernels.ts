import { compareVersions } from '../versions.ts';
import { type EndFacts, type Finding, fixed, type Signature } from './signature.ts';

const describeBackend = (version: string | null): Finding => {
  const patch = 'swiglustep-nvfp4-moe';
  if (version === null) {
    return {
      cause:
        'no NVFP4 MoE kernel of this build supports the model (its last layers use the swiglustep activation)',
      advice: `before vLLM 0.17.0 the patch ${patch} is missing: add it to patches; from 0.17.0 on set serve.moeBackend=cutlass`,
    };
  }
  if (compareVersions(version, '0.17.0') < 0) {
    return {
      cause: `vLLM ${version} has no NVFP4 MoE kernel for swiglustep: the patch ${patch} is missing in this build`,
      advice: `add ${patch} to patches and build again: stepctl build; or set engine.vllm to 0.17.0 or newer`,
    };
  }
  return {
    cause: `the MoE kernels chosen in vLLM ${version} do not support swiglustep, this GPU or the parallel settings`,
    advice: 'set serve.moeBackend=cutlass (or marlin), without --enable-expert-parallel',
  };
};

const describeArch = (): Finding => ({
  cause: 'this build holds no kernel for the architecture of the GPU',
  advice:
    'use the CUDA 13 image (from vLLM 0.20.0 on the tag without suffix, before it the suffix -cu130), or a newer release',
});

const describeIllegal = (_match: RegExpExecArray, { everReady }: EndFacts): Finding => ({
  cause: `a GPU kernel failed${everReady ? ' while serving' : ' during the start'}; on sm_120 this is mostly an FP4 MoE kernel`,
  advice:
    'set serve.moeBackend=cutlass, then marlin; then a newer release (vllm#38423); last serve.cudaGraphs=false',
});

/** What the build or the chip cannot do. */
export const kernelSignatures: readonly Signature[] = [
  {
    id: 'nvfp4-backend-unsupported',
    pattern:
      /No NvFp4 MoE backend supports the deployment|NvFp4 MoE backend .* does not support|does not support (?:MoEActivation\.)?SWIGLUSTEP|Only SiLU activation is supported|moe_backend='\S+' is not supported for NvFP4|Model sets swiglu_limit=/i,
    deterministic: true,
    phase: 'backends',
    source: 'report',
    describe: (_match, { version }) => describeBackend(version),
  },
  {
    id: 'nvfp4-no-cpu-kernel',
    pattern:
      /Failed to find a kernel that can implement the NVFP4 linear layer|No NVFP4 GEMM backend selected/,
    deterministic: true,
    phase: 'backends',
    source: 'real',
    describe: fixed(
      'this build has no NVFP4 kernel for the processor it runs on',
      'a CPU build needs the emulation plugin (emulation: true); on a GPU check that the build and the driver see it',
    ),
  },
  {
    id: 'cpu-router-unsupported',
    pattern: /Data-dependent assertion failed|scoring_func == .softmax|Only softmax scoring/,
    deterministic: true,
    phase: 'compile',
    source: 'real',
    describe: fixed(
      'the CPU build cannot route experts by sigmoid, as this model does',
      'add the emulation plugin (emulation: true) and set serve.cudaGraphs=false',
    ),
  },
  {
    id: 'amx-isa',
    pattern: /Unsupported CPU attention configuration: .*isa=0/,
    deterministic: true,
    phase: 'requests',
    source: 'real',
    describe: fixed(
      'this CPU has AMX, and the CPU build asks for AMX kernels that it does not hold',
      'add --block-size 16 to serve.extraArgs, or set engine.vllm to 0.32.0',
    ),
  },
  {
    id: 'no-kernel-image',
    pattern:
      /no kernel image is available|Failed to initialize cutlass TMA WS grouped gemm|Failed to initialize GEMM: status=7|CUDA error: invalid device function/,
    deterministic: true,
    phase: 'backends',
    source: 'report',
    describe: describeArch,
  },
  {
    id: 'illegal-memory-access',
    pattern:
      /illegal memory access|cudaErrorIllegalInstruction|an illegal instruction was encountered|Triton Error \[CUDA\]/,
    deterministic: false,
    phase: 'any',
    source: 'vllm#35566',
    describe: describeIllegal,
  },
  {
    id: 'gpu-lost',
    pattern: /unspecified launch failure|fallen off the bus|GPU is lost|Surprise Link Down|NVRM: Xid/,
    deterministic: false,
    phase: 'any',
    source: 'report',
    describe: fixed(
      'the GPU stopped answering',
      'read `dmesg | grep -i xid`; on PCIe boards pcie_aspm=off pcie_port_pm=off has helped; a reboot may be needed',
    ),
  },
];
