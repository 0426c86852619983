/** Makes dist/: the sources without their types, file by file, so that paths to configs/, patches/ and docker/ stay as they are. */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
rmSync(join(root, 'dist'), { recursive: true, force: true });
execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
// Data beside the code that reads it: the compiler copies none.
copyFileSync(join(root, 'src/vllm/table/releases.json'), join(root, 'dist/vllm/table/releases.json'));
const main = join(root, 'dist/main.js');
if (!readFileSync(main, 'utf8').startsWith('#!/usr/bin/env node'))
  throw new Error('dist/main.js lost its first line');
chmodSync(main, 0o755);
const printed = execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' });
process.stdout.write(`built dist/: stepctl ${printed}`);
