import type { StatusReport } from '../control/index.ts';
import type { Output } from './output.ts';
import { formatBytes, formatDuration } from './progress.ts';

/** The status page for people: verdict first, then one line a fact. Pure. */
export function renderStatus(report: StatusReport, now: number, paint: Output['paint']): string {
  const rows: [string, string][] = [
    ['profile', `${report.profile} (instance ${report.instance})`],
    ['engine', engineText(report)],
    ['build', buildText(report)],
    ...report.build.patches.map((patch): [string, string] => [
      'patch',
      `${patch.id}: ${patch.outcome} — ${patch.reason}`,
    ]),
    ...report.engine.intents.map((proof): [string, string] => [
      'intent',
      `${proof.intent}: ${proof.outcome} — ${proof.said}`,
    ]),
    ...report.build.proofs.map((proof): [string, string] => [
      'proof',
      `${proof.name}: ${proof.verdict} — ${proof.said}`,
    ]),
    ...(report.build.runtime?.notes ?? []).map((note): [string, string] => ['note', note]),
    ['model', modelText(report)],
    ['proxy', proxyText(report)],
    ['logs', report.logs.engine ?? report.logs.events],
    [
      'since',
      `${formatDuration(now - report.controller.since)} (controller ${report.controller.pid}, stepctl ${report.controller.version})`,
    ],
  ];
  if (report.build.emulation)
    rows.splice(3, 0, [
      'emulation',
      'CPU stand-ins for GPU kernels are in (test only): no figure here speaks of a GPU',
    ]);
  return [verdict(report, now, paint), ...rows.map(([key, value]) => `  ${key.padEnd(10)} ${value}`)].join(
    '\n',
  );
}

function verdict(report: StatusReport, now: number, paint: Output['paint']): string {
  const engine = report.engine.snapshot;
  if (report.stage === 'failed')
    return paint('red', `failed: ${String(report.failure?.['verdict'] ?? 'no reason known')}`);
  if (engine === null) return paint('yellow', `${report.stage}: not launched yet`);
  if (engine.state === 'ready')
    return paint(
      'green',
      `ready for ${formatDuration(now - engine.since)}: ${report.proxy.servedName} at ${report.proxy.url ?? 'no address'}`,
    );
  const phase =
    engine.phase === null
      ? ''
      : ` (${engine.phase}${engine.phaseProgress === null ? '' : ` ${Math.round(engine.phaseProgress * 100)} %`})`;
  const eta = engine.readyInMs === null ? '' : `, ready in about ${formatDuration(engine.readyInMs)}`;
  const wait =
    engine.until === null ? '' : `, next start in ${formatDuration(Math.max(0, engine.until - now))}`;
  const why = engine.diagnosis === null ? '' : `: ${engine.diagnosis.cause}`;
  return paint(engine.state === 'given-up' ? 'red' : 'yellow', `${engine.state}${phase}${eta}${wait}${why}`);
}

function engineText(report: StatusReport): string {
  const { engine } = report;
  const id = engine.snapshot?.engineId ?? null;
  const parts = [`vLLM ${engine.reportedVersion ?? engine.vllm} by the ${engine.driver} driver`];
  if (engine.driver === 'sim') parts[0] = `simulator playing vLLM ${engine.vllm}`;
  if (id !== null) parts.push(`id ${id.slice(0, 12)}`);
  if (engine.snapshot !== null)
    parts.push(`start ${engine.snapshot.incarnation}`, `restarts ${engine.snapshot.restarts}`);
  return parts.join(', ');
}

const buildText = (report: StatusReport): string =>
  report.build.artefact ?? 'nothing built: this driver runs without';

function modelText(report: StatusReport): string {
  const { model } = report;
  const parts = [model.source];
  if (model.commit !== null) parts.push(`commit ${model.commit.slice(0, 12)}`);
  if (model.files !== null && model.bytes !== null)
    parts.push(`${model.files} files, ${formatBytes(model.bytes)}, verified`);
  return parts.join(', ');
}

function proxyText(report: StatusReport): string {
  const { proxy } = report;
  if (proxy.url === null) return 'not listening yet';
  return `${proxy.url}, ${proxy.auth === 'keys' ? 'keys needed' : 'no keys (loopback only)'}, ${proxy.inFlight} in flight, ${proxy.queued} waiting`;
}
