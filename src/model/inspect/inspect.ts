import { StepError } from '../../lib/index.ts';
import { readCheckpoint } from './checkpoint.ts';
import { factsOf, type ModelFacts } from './facts.ts';

/**
 * Looks at a model folder: config.json, its index, the header of every shard. Reads no weights. Throws
 * STEP_MODEL_FOLDER for a folder that is no model and STEP_MODEL_INCOMPLETE naming the shard that is missing,
 * truncated or not as the index says: an engine would find out minutes later, and say it worse.
 */
export async function inspectModelDir(dir: string): Promise<ModelFacts> {
  const checkpoint = await readCheckpoint(dir);
  const [first, ...others] = checkpoint.problems;
  if (first === undefined) return factsOf(checkpoint);
  throw new StepError('STEP_MODEL_INCOMPLETE', {
    verdict: `the model in ${dir} is not whole: ${first.file} is ${first.problem === 'missing' ? 'missing' : 'damaged'}`,
    reason: `${first.file}: ${first.text}${others.length === 0 ? '' : `; ${others.length} more: ${others.map((one) => one.file).join(', ')}`}`,
    next: 'fetch the folder again, or pull the model: stepctl pull OWNER/NAME',
    details: { dir, problems: checkpoint.problems },
  });
}
