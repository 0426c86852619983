import { describe, expect, it } from 'vitest';
import { StepError } from '../../src/lib/index.ts';
import { renderError } from '../../src/cli/output.ts';
import { formatBytes, formatDuration, renderProgress } from '../../src/cli/progress.ts';
import { renderTable } from '../../src/cli/table.ts';

const plain = (_style: string, text: string): string => text;

describe('errors as a person sees them', () => {
  const error = new StepError('STEP_USAGE', {
    verdict: 'the question is empty',
    reason: 'nothing was typed',
    next: 'stepctl chat "Hello"',
    cause: new Error('inner'),
  });

  it('says verdict, reason and next command on three lines', () => {
    expect(renderError(error, plain, false)).toBe(
      'error the question is empty (STEP_USAGE)\n  why   nothing was typed\n  next  stepctl chat "Hello"\n',
    );
  });

  it('shows a stack trace and the cause only when asked', () => {
    expect(renderError(error, plain, false)).not.toContain('inner');
    expect(renderError(error, plain, true)).toContain('Error: inner');
  });
});

describe('progress', () => {
  it.each([
    [{ done: 50, total: 100, unit: 'items', rate: null, etaMs: null }, '50 % of 100'],
    [{ done: 0, total: 0, unit: 'bytes', rate: null, etaMs: null }, '100 % of 0 B'],
    [{ done: 1024, total: null, unit: 'bytes', rate: 2048, etaMs: null }, '1.00 KiB · 2.00 KiB/s'],
    [
      { done: 5, total: 10, unit: 'bytes', rate: 1, etaMs: 65_000, note: '8 connections' },
      '50 % of 10 B · 1 B/s · about 1 min 5 s left · 8 connections',
    ],
    [{ done: 42, total: 100, unit: 'percent', rate: null, etaMs: null }, '42 %'],
  ] as const)('%o reads %s', (progress, text) => {
    expect(renderProgress({ stage: 'pull', ...progress })).toBe(text);
  });

  it.each([
    [105e9, '97.8 GiB'],
    [0, '0 B'],
    [1536, '1.50 KiB'],
  ])('%d bytes read %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [900, '0.9 s'],
    [61_000, '1 min 1 s'],
    [3_700_000, '1 h 1 min'],
  ])('%d ms read %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('tables', () => {
  it('are as wide as needed when there is room', () => {
    expect(renderTable(['id', 'name'], [['1', 'laptop']], 80)).toBe('id  name\n1   laptop');
  });

  it('fit the terminal by cutting the widest column, with a mark', () => {
    const text = renderTable(['id', 'what'], [['1', 'x'.repeat(100)]], 40);
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    expect(text).toContain('…');
  });
});
