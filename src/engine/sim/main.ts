import { createSimLog } from './log.ts';
import { runSimulator } from './run.ts';

const log = createSimLog({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
});
process.exitCode = await runSimulator(process.argv.slice(2), log);
// Open keep-alive connections and timers must not hold a finished engine.
process.exit();
