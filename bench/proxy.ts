/**
 * Budget: with all policy on at most 80 µs CPU a 1 KB request, 15 µs a streamed chunk, added p50 0.4 ms and p99 0.8 ms at
 * 500 requests/s. Beside nginx where it is installed, and beside the least that a Node proxy can do.
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runClosed, runOpen, runStreams } from './proxy/load.ts';

const partsFile = resolve(import.meta.dirname, 'proxy/parts.ts');
const connections = 32;
const streams = 64;
const rounds = 3;

interface Subject {
  readonly name: string;
  readonly port: number;
  readonly child: ChildProcess | null;
}

async function startPart(role: string, port: number): Promise<Subject> {
  const child = fork(partsFile, [role, String(port)]);
  const [own] = (await once(child, 'message')) as [number];
  return { name: role, port: own, child };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** One process, connections to the upstream kept alive, nothing collected before it is passed on. */
const nginxConfig = (folder: string, port: number, upstream: number): string => `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 2048; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  keepalive_requests 1000000;
  upstream engine { server 127.0.0.1:${upstream}; keepalive 256; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://engine; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; }
  }
}`;

async function startNginx(upstream: number, folder: string): Promise<Subject | null> {
  if (spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status !== 0) return null;
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port, upstream));
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const isUp = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(200, false),
    ]);
    socket.destroy();
    if (isUp) return { name: 'nginx', port, child };
    await sleep(20);
  }
  child.kill();
  return null;
}

/** CPU time of a process so far, ms; user and system, in ticks of 10 ms. */
function cpuMs({ child }: Subject): number {
  if (child?.pid === undefined) return Number.NaN;
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

const rssMiB = ({ child }: Subject): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child?.pid ?? 'self'}/status`, 'utf8'))?.[1]) / 1024;

const at = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ??
  Number.NaN;
const median = (values: readonly number[]): number => at(values, 0.5);

interface Figures {
  readonly perSecond: number[];
  readonly requestUs: number[];
  readonly chunkUs: number[];
  readonly p50: number[];
  readonly p99: number[];
}

async function measure(subject: Subject, figures: Figures): Promise<void> {
  const closedMs = 4_000;
  await runClosed(subject.port, connections, 500);
  let before = cpuMs(subject);
  const count = await runClosed(subject.port, connections, closedMs);
  figures.perSecond.push((count * 1_000) / closedMs);
  figures.requestUs.push(((cpuMs(subject) - before) * 1_000) / count);
  before = cpuMs(subject);
  const events = await runStreams(subject.port, streams);
  figures.chunkUs.push(((cpuMs(subject) - before) * 1_000) / events);
  const latencies = await runOpen(subject.port, 500, 3_000);
  figures.p50.push(at(latencies, 0.5));
  figures.p99.push(at(latencies, 0.99));
}

const folder = mkdtempSync(join(tmpdir(), 'bench-proxy-'));
const upstream = await startPart('upstream', 0);
const direct: Subject = { ...upstream, name: 'direct', child: null };
const nginx = await startNginx(upstream.port, folder);
const subjects = [
  direct,
  ...(nginx === null ? [] : [nginx]),
  await startPart('pipe', upstream.port),
  await startPart('stepctl', upstream.port),
];
try {
  const table = new Map(
    subjects.map((subject) => [
      subject.name,
      { perSecond: [], requestUs: [], chunkUs: [], p50: [], p99: [] } as Figures,
    ]),
  );
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) {
      const figures = table.get(subject.name);
      if (figures !== undefined) await measure(subject, figures);
    }
  }
  const base = table.get('direct');
  const peer = table.get(nginx === null ? 'pipe' : 'nginx');
  process.stdout.write(
    `${'median of 3'.padEnd(12)} req/s   µs/req  ratio   µs/chunk  ratio   added p50  added p99   RSS\n`,
  );
  for (const subject of subjects) {
    const own = table.get(subject.name);
    if (own === undefined || base === undefined || peer === undefined) continue;
    const cells = [
      median(own.perSecond).toFixed(0).padStart(6),
      median(own.requestUs).toFixed(1).padStart(8),
      (median(own.requestUs) / median(peer.requestUs)).toFixed(2).padStart(6),
      median(own.chunkUs).toFixed(1).padStart(10),
      (median(own.chunkUs) / median(peer.chunkUs)).toFixed(2).padStart(6),
      `${(median(own.p50) - median(base.p50)).toFixed(2)} ms`.padStart(11),
      `${(median(own.p99) - median(base.p99)).toFixed(2)} ms`.padStart(10),
      `${rssMiB(subject).toFixed(0)} MiB`.padStart(8),
    ];
    process.stdout.write(`${subject.name.padEnd(12)} ${cells.join(' ')}\n`);
  }
  process.stdout.write(
    `ratios beside ${nginx === null ? 'the bare pipe (nginx is not installed)' : 'nginx'}; ${connections} connections, ${streams} streams × 200 chunks/s\n`,
  );
  process.stdout.write('budget: ≤ 80 µs/req, ≤ 15 µs/chunk, added p50 ≤ 0.4 ms, p99 ≤ 0.8 ms\n');
} finally {
  for (const { child } of [upstream, ...subjects]) child?.kill();
  rmSync(folder, { recursive: true });
}
