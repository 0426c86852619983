/** A pull in a process of its own, for tests that kill it: `node pull-child.ts URL CACHE`. Prints a line a stage. */
import { pullModel } from '../../src/model/index.ts';
import { listen, pullOptions } from './scratch.ts';

const [, , url = '', cacheDir = ''] = process.argv;
const told = listen((line) => process.stdout.write(`${line}\n`));
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
try {
  const pulled = await pullModel(
    pullOptions(url, cacheDir, { reporter: told.reporter, signal: stop.signal }),
  );
  process.stdout.write(`pulled: ${JSON.stringify(pulled)}\n`);
} catch (error) {
  process.stdout.write(`failed: ${JSON.stringify(error)}\n`);
}
