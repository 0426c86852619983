import { readFileSync } from 'node:fs';

/** The version in package.json, which lies one folder above both src/ and dist/. */
export function readVersion(): string {
  for (const candidate of ['../package.json', '../../package.json']) {
    try {
      const parsed = JSON.parse(readFileSync(new URL(candidate, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (parsed.name === 'stepctl' && parsed.version !== undefined) return parsed.version;
    } catch {
      // Try the next place.
    }
  }
  return '0.0.0-unknown';
}
