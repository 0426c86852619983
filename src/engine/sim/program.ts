import { fileURLToPath } from 'node:url';

/** Path of the simulator's own program, beside this file in the sources and in dist/ alike. */
export function simulatorPath(moduleUrl: string = import.meta.url): string {
  const isSource = moduleUrl.endsWith('.ts');
  return fileURLToPath(new URL(isSource ? './main.ts' : './main.js', moduleUrl));
}
