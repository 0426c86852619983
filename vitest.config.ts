import { defineConfig } from 'vitest/config';

/** Tiers are told apart by file ending: x.test.ts, x.chaos.test.ts, x.docker.test.ts, x.vllm.test.ts. */
const tier = (name: string, include: string[], exclude: string[], timeoutMs: number) => ({
  test: { name, include, exclude, testTimeout: timeoutMs, hookTimeout: timeoutMs, pool: 'forks' as const },
});

export default defineConfig({
  test: {
    projects: [
      tier('unit', ['test/**/*.test.ts'], ['test/**/*.{chaos,docker,vllm}.test.ts'], 60_000),
      tier('chaos', ['test/**/*.chaos.test.ts'], [], 300_000),
      { test: { ...tier('docker', ['test/**/*.docker.test.ts'], [], 600_000).test, fileParallelism: false } },
      { test: { ...tier('vllm', ['test/**/*.vllm.test.ts'], [], 900_000).test, fileParallelism: false } },
    ],
  },
});
