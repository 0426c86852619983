import { describe, expect, test } from 'vitest';
import { findEngineTree } from '../../src/engine/process/engine-tree.ts';
import { listeningInodes } from '../../src/engine/process/listen.ts';
import { parseStat, type ProcessRow } from '../../src/engine/process/process-table.ts';
import { runDirParents } from '../../src/engine/process/run-dir.ts';

const row = (pid: number, parts: Partial<ProcessRow> = {}): ProcessRow => ({
  pid,
  ppid: 1,
  pgid: pid,
  sid: pid,
  startTicks: String(pid * 10),
  isZombie: false,
  mark: null,
  cwd: '/',
  ...parts,
});
const identity = { mark: 'test@1', runDir: '/run/x', leader: { pid: 100, startTicks: '1000' } };
const find = (...rows: ProcessRow[]) =>
  findEngineTree(rows, identity, 999)
    .map(({ pid }) => pid)
    .toSorted((a, b) => a - b);

describe('processes of an engine', () => {
  test('the leader and its descendants, not its neighbours', () => {
    expect(find(row(100), row(101, { ppid: 100 }), row(102, { ppid: 101 }), row(200))).toEqual([
      100, 101, 102,
    ]);
  });
  test('an orphan whose title overwrote its environment is known by the private folder', () => {
    expect(find(row(300, { cwd: '/run/x' }), row(301, { cwd: '/run/x (deleted)' }))).toEqual([300, 301]);
  });
  test('an orphan in a session of its own is known by its mark, and so are its children', () => {
    expect(find(row(300, { mark: 'test@1' }), row(301, { ppid: 300 }))).toEqual([300, 301]);
  });
  test("members of the dead leader's session count once one of them is surely ours", () => {
    expect(find(row(301, { sid: 100, cwd: '/run/x' }), row(302, { sid: 100 }))).toEqual([301, 302]);
  });
  test('a stranger who got the pid and session of a dead leader is left alone', () => {
    expect(find(row(100, { startTicks: '77' }), row(101, { ppid: 100, sid: 100 }))).toEqual([]);
  });
  test('another instance, zombies and stepctl itself are left alone', () => {
    const same = { cwd: '/run/x' };
    expect(find(row(400, { mark: 'test@2' }), row(401, { ...same, isZombie: true }), row(999, same))).toEqual(
      [],
    );
  });
});

test('a stat line is read past a command name with brackets and blanks', () => {
  const fields = Array.from({ length: 17 }, (_, index) => String(index));
  const text = `42 (a) b (c)) S 7 8 9 ${fields.slice(0, 15).join(' ')} 555 x`;
  expect(parseStat(text)).toMatchObject({
    pid: 42,
    ppid: 7,
    pgid: 8,
    sid: 9,
    startTicks: '555',
    isZombie: false,
  });
});

const tcpLine = (address: string, state: string, inode: string) =>
  `   0: ${address} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0`;

test('only listening sockets of the very port count', () => {
  const table = [
    'head',
    tcpLine('0100007F:1F40', '0A', '11'),
    tcpLine('0100007F:1F40', '01', '12'),
    tcpLine('0100007F:1F41', '0A', '13'),
  ];
  expect(listeningInodes(table.join('\n'), 8000)).toEqual(['11']);
});

test('a state folder too deep for a socket path is passed over', () => {
  const deep = `/${'x'.repeat(100)}`;
  expect(runDirParents(deep, { XDG_RUNTIME_DIR: '/run/user/1' })[0]).toBe('/run/user/1');
  expect(runDirParents('/short', {})[0]).toBe('/short');
});
