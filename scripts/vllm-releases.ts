/**
 * Brings src/vllm/table/releases.json up to date from the wheels of vLLM.
 *
 *   npm run vllm-releases                   every release that the package index has and the table has not
 *   npm run vllm-releases -- 0.33.0 0.34.0  reads these (again)
 *   npm run vllm-releases -- --all          reads all of them again, from the first supported one on
 */
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { firstRelease } from '../src/vllm/releases.ts';
import { applyDeltas, noFacts } from '../src/vllm/table/delta.ts';
import { type ReleaseFacts, tableSchema } from '../src/vllm/table/schema.ts';
import { tableFile } from '../src/vllm/table/table.ts';
import { compareVersions } from '../src/vllm/versions.ts';
import { listReleases, readRelease } from './vllm-releases/read-release.ts';
import { renderTable } from './vllm-releases/write-table.ts';

const readTable = async (): Promise<Map<string, ReleaseFacts>> => {
  const facts = new Map<string, ReleaseFacts>();
  if (!existsSync(tableFile)) return facts;
  let before = noFacts;
  for (const delta of tableSchema.parse(JSON.parse(await readFile(tableFile, 'utf8'))).releases) {
    before = applyDeltas(before, [delta]);
    facts.set(delta.version, before);
  }
  return facts;
};

const asked = process.argv.slice(2);
const facts = asked.includes('--all') ? new Map<string, ReleaseFacts>() : await readTable();
const named = asked.filter((arg) => !arg.startsWith('--'));
const wanted =
  named.length > 0
    ? named
    : (await listReleases()).filter(
        (version) => compareVersions(version, firstRelease) >= 0 && !facts.has(version),
      );
for (const version of wanted.toSorted(compareVersions)) {
  const read = await readRelease(version);
  facts.set(version, read);
  process.stdout.write(
    `${version}: ${Object.keys(read.flags).length} flags, ${Object.keys(read.variables).length} variables (${read.package})\n`,
  );
}
await writeFile(tableFile, renderTable(facts));
process.stdout.write(`${facts.size} releases in ${tableFile.pathname}\n`);
