import { readFile, rm, stat } from 'node:fs/promises';
import type { Leftover } from '../types.ts';
import { findEngineTree, type TreeIdentity } from './engine-tree.ts';
import { instanceMark } from './environment.ts';
import { killTree } from './kill-tree.ts';
import { type ProcessRow, readBootId, readProcessTable } from './process-table.ts';
import { type EngineRecord, readRecord, removeRecord } from './record.ts';

async function identityOf(
  instance: string,
  stateDir: string,
  record: EngineRecord | null,
): Promise<TreeIdentity> {
  const isThisBoot = record !== null && record.bootId === (await readBootId());
  return {
    mark: instanceMark(instance, stateDir),
    runDir: record?.runDir ?? null,
    leader: isThisBoot ? record.leader : null,
  };
}

async function describeProcess(row: ProcessRow): Promise<Leftover> {
  const command = (await readFile(`/proc/${row.pid}/cmdline`, 'utf8').catch(() => ''))
    .replaceAll('\0', ' ')
    .trim();
  return { kind: 'process', id: String(row.pid), text: command.slice(0, 200) };
}

async function describeRunDir(record: EngineRecord | null): Promise<Leftover[]> {
  if (record === null || (await stat(record.runDir).catch(() => null)) === null) return [];
  return [{ kind: 'file', id: record.runDir, text: 'private folder of the engine' }];
}

/** Processes and files of an engine whose controller is gone. Looks only. */
export async function findLeftovers(instance: string, stateDir: string): Promise<Leftover[]> {
  const record = await readRecord(stateDir);
  const tree = findEngineTree(await readProcessTable(), await identityOf(instance, stateDir, record));
  return [...(await Promise.all(tree.map(describeProcess))), ...(await describeRunDir(record))];
}

/** Kills and removes them; returns what they were. Throws STEP_ENGINE_NOT_REMOVED. */
export async function removeLeftovers(instance: string, stateDir: string): Promise<Leftover[]> {
  const found = await findLeftovers(instance, stateDir);
  const record = await readRecord(stateDir);
  if (found.some(({ kind }) => kind === 'process'))
    await killTree(await identityOf(instance, stateDir, record));
  if (record !== null) await rm(record.runDir, { recursive: true, force: true });
  await removeRecord(stateDir);
  return found;
}
