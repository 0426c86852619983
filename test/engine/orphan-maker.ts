import { createDriver, type EngineSpec } from '../../src/engine/index.ts';

/** A controller for tests: starts an engine, says its pid once it serves, and waits to be killed. */
const spec = JSON.parse(process.argv[2] ?? '') as EngineSpec;
const running = await createDriver('sim').start(spec);
for await (const line of running.logs) {
  if (line.text.includes('Application startup complete')) process.stdout.write(`${running.id}\n`);
}
