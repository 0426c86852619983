import { fileURLToPath } from 'node:url';

/**
 * Path of the simulator's own program: the source beside this file, or `simulator.js` beside the bundle, which has
 * to be built as an entry of its own.
 */
export function simulatorPath(moduleUrl: string = import.meta.url): string {
  const isSource = moduleUrl.endsWith('.ts');
  return fileURLToPath(new URL(isSource ? './main.ts' : './simulator.js', moduleUrl));
}
