#!/usr/bin/env node
/**
 * The process: argv in, exit code out. Nothing else in stepctl reads argv, sets the exit code or exits.
 * The version check comes before every other import, so that an old Node gets a sentence and not a syntax error.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `stepctl needs Node.js 22.19 or newer; this is ${process.versions.node}\n` +
      'older lines are past their end of life and carry unfixed advisories\n' +
      'install a maintained Node.js and run the command again\n',
  );
  process.exitCode = 64;
} else if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  const { readVersion } = await import('./cli/version.ts');
  process.stdout.write(`${readVersion()}\n`);
} else {
  const { runCli } = await import('./cli/run.ts');
  process.exitCode = await runCli(process.argv[1] ?? '', process.argv.slice(2));
  // Handles of third parties (docker sockets, worker threads) must not keep a finished command alive.
  const stuck = setTimeout(() => process.exit(), 2_000);
  stuck.unref();
}
