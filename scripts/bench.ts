/** Runs the measurements under bench/, each in a process of its own: all, or those named on the command line. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, '../bench');
const all = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(`${name}.ts`));
if (unknown.length > 0) {
  process.stderr.write(
    `no such measurement: ${unknown.join(', ')}\nthere are: ${all.map((name) => name.replace('.ts', '')).join(', ')}\n`,
  );
  process.exit(64);
}
let failed = 0;
for (const name of wanted.length === 0 ? all : wanted.map((one) => `${one}.ts`)) {
  process.stdout.write(`\n=== bench/${name}\n`);
  const { status } = spawnSync(process.execPath, [join(folder, name)], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
