import { createDriver, type EngineSpec } from '../../../src/engine/index.ts';

/** A controller that starts an engine and is killed before it can clean up. */
await createDriver('docker').start(JSON.parse(process.argv[2] ?? '') as EngineSpec);
process.stdout.write('started\n', () => process.kill(process.pid, 'SIGKILL'));
