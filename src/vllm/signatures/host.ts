import { fixed, type Signature } from './signature.ts';

/** Driver, container, processes between each other. */
export const hostSignatures: readonly Signature[] = [
  {
    id: 'numa-bind',
    pattern: /Not enough allowed NUMA nodes to bind threads/,
    deterministic: true,
    phase: 'distributed',
    source: 'real',
    describe: fixed(
      'vLLM wants one NUMA node for each CPU worker and the machine has fewer',
      "--set 'serve.env.VLLM_CPU_OMP_THREADS_BIND=0|1' names the cores of each worker",
    ),
  },
  {
    id: 'driver-mismatch',
    pattern:
      /Error 80[34]: |driver on your system is too old|unsatisfied condition: cuda|cudaErrorUnsupportedPtxVersion|CUDA driver version is insufficient|forward compatibility was attempted/,
    deterministic: true,
    phase: 'imports',
    source: 'report',
    describe: fixed(
      'the NVIDIA driver and the CUDA of this build do not go together',
      'CUDA 13 images (vLLM 0.20.0 and newer) need driver 580 or newer; else take an image of CUDA 12.9',
    ),
  },
  {
    id: 'cuda-libraries-mixed',
    pattern: /CUBLAS_STATUS_INVALID_VALUE/,
    deterministic: true,
    phase: 'backends',
    source: 'report',
    describe: fixed(
      'libraries of another CUDA come before those of the build (a known trap of 0.17.0)',
      'unset LD_LIBRARY_PATH where the engine starts, or set it in serve.env to the libraries of the image',
    ),
  },
  {
    id: 'no-gpu-runtime',
    pattern:
      /could not select device driver .* with capabilities: \[\[gpu\]\]|nvidia-container-cli: initialization error|Failed to infer device type|No CUDA GPUs are available/,
    deterministic: true,
    phase: 'launch',
    source: 'report',
    describe: fixed(
      'the engine sees no GPU',
      'install nvidia-container-toolkit and restart Docker; without a GPU use --profile tiny-cpu',
    ),
  },
  {
    id: 'no-passwd-entry',
    pattern: /getpwuid\(\): uid not found: ?(\d+)/,
    deterministic: true,
    phase: 'imports',
    source: 'report',
    describe: ([, uid = '']) => ({
      cause: `the user id ${uid} has no entry in /etc/passwd of the container and torch asks for its name`,
      advice: 'set USER and HOME in serve.env',
    }),
  },
  {
    id: 'no-libnuma',
    pattern: /ImportError\(?.*libnuma\.so/,
    // vLLM only warns here and fails much later with something else.
    inWarnings: true,
    deterministic: true,
    phase: 'imports',
    source: 'report',
    describe: fixed('libnuma is not installed where the engine runs', 'install the package libnuma1 there'),
  },
  {
    id: 'no-vllm-metadata',
    pattern: /PackageNotFoundError: No package metadata was found for vllm/,
    deterministic: true,
    phase: 'imports',
    source: 'report',
    describe: fixed(
      'the environment holds the CPU package without the metadata that the vllm command reads',
      'let stepctl make the environment: stepctl build',
    ),
  },
  {
    id: 'nccl-timeout',
    pattern: /Watchdog caught collective operation timeout|RPC call to \S+ timed out/,
    deterministic: false,
    phase: 'any',
    source: 'report',
    describe: fixed(
      'a worker did not answer the others within the time that NCCL allows',
      'set serve.peerToPeer=safe; if it is, one worker died first: read the log above',
    ),
  },
  {
    id: 'nccl-init',
    pattern: /NCCL error: |ncclSystemError|ncclUnhandledCudaError|ncclInternalError/,
    deterministic: false,
    phase: 'distributed',
    source: 'report',
    describe: fixed(
      'the workers could not set up NCCL between the GPUs',
      'raise engine.shmSize, set serve.peerToPeer=safe, and NCCL_DEBUG=INFO in serve.env to see which call failed',
    ),
  },
  {
    id: 'core-start-timeout',
    pattern: /Timed out waiting for engine core|VLLM_ENGINE_READY_TIMEOUT_S/,
    deterministic: false,
    phase: 'any',
    source: 'report',
    describe: fixed(
      'the engine core did not get ready in the time that vLLM allows',
      'raise engine.startTimeoutMs',
    ),
  },
  {
    // The same line is normal while a long compile or load runs: only a hint.
    id: 'peer-to-peer-hang',
    pattern: /No available shared memory broadcast block found in \d+ seconds/,
    inWarnings: true,
    weak: true,
    deterministic: true,
    phase: 'distributed',
    source: 'vllm#51513',
    describe: fixed(
      'the workers stopped talking to each other, which two PCIe GPUs do when peer-to-peer writes are lost (vllm#51513)',
      'set serve.peerToPeer=safe; or repair the host: iommu=pt, ACS off',
    ),
  },
  {
    // 0.32.0 names the signal; 0.16.0 tells nothing at all.
    id: 'core-killed-loading',
    pattern: /Failed core proc\(s\): \{'[^']+': -9\}/,
    deterministic: false,
    phase: 'any',
    source: 'real',
    describe: fixed(
      'the engine core was killed (SIGKILL) while it started: mostly by the kernel for lack of memory',
      'dmesg | grep -i -E "killed process|oom" tells; give it more memory, or lower serve.maxModelLen',
    ),
  },
  {
    id: 'engine-core-died',
    pattern:
      /engine core exited unexpectedly|Engine core proc \S+ died unexpectedly|EngineDeadError|Worker proc \S+ died unexpectedly|EngineCore encountered a fatal error/,
    // 0.32.0 says it in a warning.
    inWarnings: true,
    weak: true,
    deterministic: false,
    phase: 'any',
    source: 'real',
    describe: fixed(
      'the engine core process ended while the server was up, without a reason in the log',
      'dmesg tells whether the kernel killed it for memory; a restart usually helps',
    ),
  },
];
