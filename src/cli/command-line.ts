import type { Context } from './context.ts';

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;

/** The command that was typed, as it can be typed again: in a checkout there is no `stepctl` on the PATH. */
export function retype(context: Pick<Context, 'self'>): string {
  const [entry = '', ...argv] = context.self;
  const program = entry.endsWith('.ts') ? 'npm run stepctl --' : 'stepctl';
  return [program, ...argv.map(quote)].join(' ');
}
