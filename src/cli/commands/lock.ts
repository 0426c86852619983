import type { CommandSpec } from '../context.ts';

export const lockCommand: CommandSpec = {
  name: 'lock',
  summary: 'resolve, build and download the stack, then write every pin into its lock; starts nothing',
  readsStack: true,
  options: [
    { flags: '--pull <policy>', description: 'base image: missing, always or never', default: 'missing' },
    { flags: '--check', description: 'write nothing: exit 10 where the lock differs, naming what' },
  ],
  examples: ['stepctl lock', 'stepctl lock --profile tiny-cpu --check', 'stepctl up --frozen'],
  run: async (context, _args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { lockFileOf, makeLock } = await import('../up/lock-stage.ts');
    const { buildArtefact } = await import('../up/artefact.ts');
    const { fetchModel } = await import('../up/model-stage.ts');
    const { modelPathFor, modelPlace } = await import('../up/engine-spec.ts');
    const { parsePull } = await import('../pull-policy.ts');
    const { compareLocks, readLock, writeLock } = await import('../../stack/index.ts');
    const { compileServe } = await import('../../vllm/index.ts');
    const resolved = await resolveFor(context, options);
    const { stack } = resolved;
    const file = lockFileOf(context, resolved);
    const isCheck = options['check'] === true;
    const before = isCheck ? await readLock(file) : await readLock(file).catch(() => null);
    const common = { stack, env: context.env, reporter: context.reporter, signal: context.signal };
    const artefact = await buildArtefact({ ...common, pull: parsePull(options['pull']) });
    const model = await fetchModel(common);
    const modelPath = modelPathFor(stack.engine.driver, modelPlace(model.path));
    const compiled = compileServe({ stack, modelPath });
    const lock = await makeLock(stack, { artefact, model, compiled });
    const differences = before === null ? null : compareLocks(before, lock);
    if (!isCheck) await writeLock(file, lock);
    if (context.json)
      context.out.json({ schema: 'stepctl/lock-report/1', file, written: !isCheck, differences, lock });
    else {
      context.out.line(isCheck ? `held against ${file}` : `wrote ${file}`);
      if (differences === null) context.out.line('  there was no lock before');
      else if (differences.length === 0) context.out.line('  nothing differs');
      for (const row of differences ?? [])
        context.out.line(`  ${row.key}: locked ${row.locked}, now ${row.now}`);
    }
    return isCheck && (differences === null || differences.length > 0) ? 10 : 0;
  },
};
