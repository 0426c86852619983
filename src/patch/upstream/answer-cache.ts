import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../lib/index.ts';
import { sha256 } from '../hash.ts';

const answerSchema = z.strictObject({
  /** Address and form asked for: two of them never share a file, but a file can be copied about. */
  asked: z.string(),
  etag: z.string(),
  link: z.string().nullable(),
  data: z.unknown(),
});

export type KeptAnswer = z.infer<typeof answerSchema>;

/** Answers of GitHub with their ETag, one file each: an unchanged one is asked for at no cost to the rate limit. */
export function answerCache(folder: string) {
  const fileOf = (asked: string): string => join(folder, `${sha256(asked).slice(0, 32)}.json`);
  return {
    /** Null where nothing is kept, or what is kept cannot be read: it is then asked for anew. */
    async read(asked: string): Promise<KeptAnswer | null> {
      try {
        const kept = answerSchema.parse(JSON.parse(await readFile(fileOf(asked), 'utf8')));
        return kept.asked === asked ? kept : null;
      } catch {
        return null;
      }
    },
    write: (answer: KeptAnswer): Promise<void> =>
      writeFileAtomic(fileOf(answer.asked), JSON.stringify(answer)),
  };
}
