import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { stackJsonSchema } from '../src/stack/index.ts';

/** Writes configs/stepctl.schema.json from the zod schema; a test fails while the two differ. */
const file = fileURLToPath(new URL('../configs/stepctl.schema.json', import.meta.url));
await writeFile(file, `${JSON.stringify(stackJsonSchema(), null, 2)}\n`);
