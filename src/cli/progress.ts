import type { Progress, Reporter } from '../lib/index.ts';
import type { Output } from './output.ts';

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : 1)} ${units[unit] ?? ''}`;
}

export function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

const amount = (progress: Progress, value: number): string =>
  progress.unit === 'bytes'
    ? formatBytes(value)
    : progress.unit === 'percent'
      ? `${Math.round(value)} %`
      : String(value);

/** One line: how far, how fast, how long still. Pure. */
export function renderProgress(progress: Progress): string {
  const parts = [amount(progress, progress.done)];
  if (progress.total !== null && progress.unit !== 'percent') {
    const share = progress.total === 0 ? 100 : Math.floor((100 * progress.done) / progress.total);
    parts[0] = `${share} % of ${amount(progress, progress.total)}`;
  }
  if (progress.rate !== null) parts.push(`${amount(progress, progress.rate)}/s`);
  if (progress.etaMs !== null) parts.push(`about ${formatDuration(progress.etaMs)} left`);
  if (progress.note !== undefined) parts.push(progress.note);
  return parts.join(' · ');
}

/** Reporter for people: stage lines that stay, one live line that does not; every few seconds a plain line without a terminal. */
export function textReporter(out: Output, now: () => number = Date.now): Reporter {
  let last = 0;
  let lastStage = '';
  const terminal = process.stderr.isTTY === true;
  return {
    stage: (name, text) => {
      out.say(`${out.paint('cyan', name.padEnd(9))} ${text}`);
      lastStage = name;
    },
    progress: (progress) => {
      const every = terminal ? 100 : 5_000;
      if (now() - last < every) return;
      last = now();
      const text = `${progress.stage.padEnd(9)} ${renderProgress(progress)}`;
      if (terminal) out.live(text);
      else if (lastStage !== '') out.say(text);
    },
    warn: (text) => out.say(`${out.paint('yellow', 'warning  ')} ${text}`),
  };
}

/** Reporter for scripts: NDJSON events on stdout, each with its schema. */
export function jsonReporter(out: Output, now: () => number = Date.now): Reporter {
  let last = 0;
  const emit = (event: Record<string, unknown>): void =>
    out.json({ schema: 'stepctl/event/1', at: now(), ...event });
  return {
    stage: (stage, text) => emit({ event: 'stage', stage, text }),
    progress: (progress) => {
      if (now() - last < 500) return;
      last = now();
      emit({ event: 'progress', ...progress });
    },
    warn: (text) => emit({ event: 'warning', text }),
  };
}
