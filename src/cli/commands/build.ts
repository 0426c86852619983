import type { CommandSpec } from '../context.ts';

export const buildCommand: CommandSpec = {
  name: 'build',
  summary: 'only the build stage: the patched image or Python environment, with its proof',
  readsStack: true,
  options: [
    { flags: '--pull <policy>', description: 'base image: missing, always or never', default: 'missing' },
  ],
  examples: [
    'stepctl build --profile tiny-cpu',
    'stepctl build --profile tiny-cpu --engine docker',
    'stepctl build --json | jq .proof.patches',
  ],
  run: async (context, _args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { buildArtefact } = await import('../up/artefact.ts');
    const { parsePull } = await import('../pull-policy.ts');
    const { stack } = await resolveFor(context, options);
    const built = await buildArtefact({
      stack,
      env: context.env,
      pull: parsePull(options['pull']),
      reporter: context.reporter,
      signal: context.signal,
    });
    if (context.json)
      return context.out.json({
        schema: 'stepctl/build/1',
        artefact: built.name,
        image: built.image,
        emulation: built.emulation,
        proof: built.proof,
      });
    context.out.line(
      built.name === null
        ? `nothing to build: the ${stack.engine.driver} driver runs without`
        : `built ${built.name}`,
    );
    for (const patch of built.patches)
      context.out.line(`  patch ${patch.id}: ${patch.outcome} — ${patch.reason}`);
    if (built.emulation) context.out.line('  emulation: CPU stand-ins for GPU kernels are in (test only)');
  },
};
