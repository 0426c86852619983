import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { catalogue, exitCodes } from '../../src/lib/index.ts';

const codes = Object.entries(catalogue);

describe('error catalogue', () => {
  it('names every code STEP_<AREA>_<FAILURE> and says when it is used', () => {
    expect(codes.length).toBeGreaterThan(20);
    for (const [code, entry] of codes) {
      expect(code).toMatch(/^STEP_[A-Z0-9]+(_[A-Z0-9]+)*$/);
      expect(entry.when.length, code).toBeGreaterThan(15);
    }
  });

  it('uses only exit codes that the README explains', () => {
    const readme = readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
    for (const value of new Set([0, ...codes.map(([, entry]) => entry.exit)])) {
      expect(Object.values(exitCodes)).toContain(value);
      expect(readme, `exit code ${value}`).toMatch(new RegExp(`\\|\\s*${value}\\s*\\|`));
    }
  });
});
