import type { FilePatterns, RepoFile } from '../types.ts';

/** A glob as Python's fnmatch reads it, which huggingface_hub and vLLM use: `*` and `?` also match `/`. */
export function globToRegExp(glob: string): RegExp {
  // A trailing slash stands for everything below that folder.
  const whole = glob.endsWith('/') ? `${glob}*` : glob;
  const source = whole.replace(
    /\[(!?)([^\]]+)\]|[*?]|[.+^${}()|[\]\\]/g,
    (token, not: string, set: string | undefined) => {
      if (set !== undefined) return `[${not === '!' ? '^' : ''}${set.replaceAll('\\', '\\\\')}]`;
      if (token === '*') return '.*';
      return token === '?' ? '.' : `\\${token}`;
    },
  );
  return new RegExp(`^${source}$`, 's');
}

/** A glob that matches this one path and nothing else. */
export const literalGlob = (path: string): string => path.replace(/[*?[]/g, '[$&]');

/** The files that the patterns want: any `allow` (none means all) and no `ignore`. */
export function selectFiles(files: readonly RepoFile[], patterns: FilePatterns | undefined): RepoFile[] {
  const allow = patterns?.allow?.map(globToRegExp);
  const ignore = patterns?.ignore?.map(globToRegExp) ?? [];
  return files.filter(
    ({ path }) =>
      (allow === undefined || allow.some((glob) => glob.test(path))) &&
      !ignore.some((glob) => glob.test(path)),
  );
}
