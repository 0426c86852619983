import type { CommandSpec } from '../context.ts';
import { renderTable } from '../table.ts';

export const configShowCommand: CommandSpec = {
  name: 'config show',
  summary: 'every value of the stack and the layer it came from, secrets redacted',
  readsStack: true,
  passesThrough: true,
  options: [
    {
      flags: '--argv',
      description: 'the command line and environment for vllm instead, each item with what asked for it',
    },
  ],
  examples: [
    'stepctl config show',
    'stepctl config show --profile tiny-cpu --json',
    'stepctl config show --argv --set engine.vllm=0.16.0',
  ],
  run: async (context, _args, options, extra) => {
    const { resolveFor } = await import('../resolve.ts');
    const resolved = await resolveFor(context, options, extra);
    if (options['argv'] === true) {
      const { showArgv } = await import('../show-argv.ts');
      return showArgv(context, resolved.stack);
    }
    const { redact } = await import('../../stack/index.ts');
    const values = flatten(redact(resolved.stack));
    if (context.json) {
      const rows = values.map(([key, value]) => ({
        key,
        value,
        from: resolved.sources.get(key) ?? 'default',
      }));
      return context.out.json({
        schema: 'stepctl/config/1',
        profile: resolved.stack.profile,
        profileReason: resolved.profileReason,
        file: resolved.file,
        values: rows,
      });
    }
    context.out.say(`profile ${resolved.stack.profile}: ${resolved.profileReason}`);
    const rows = values.map(([key, value]) => [
      key,
      JSON.stringify(value),
      resolved.sources.get(key) ?? 'default',
    ]);
    context.out.line(
      renderTable(['key', 'value', 'from'], rows, context.out.isTty ? context.out.width : 200),
    );
  },
};

/** Dotted leaf keys in schema order; lists are leaves. Pure. */
export function flatten(value: unknown, prefix = ''): [string, unknown][] {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[prefix, value]];
  const entries = Object.entries(value);
  if (entries.length === 0) return [[prefix, {}]];
  return entries.flatMap(([key, inner]) => flatten(inner, prefix === '' ? key : `${prefix}.${key}`));
}

export const configCheckCommand: CommandSpec = {
  name: 'config check',
  summary: 'is the stack file right? every problem with file, line and what was expected',
  readsStack: true,
  examples: ['stepctl config check', 'stepctl config check -f stepctl.yaml'],
  run: async (context, _args, options) => {
    const { resolveFor } = await import('../resolve.ts');
    const { compileServe } = await import('../../vllm/index.ts');
    const resolved = await resolveFor(context, options);
    const compiled = compileServe({
      stack: resolved.stack,
      modelPath: resolved.stack.model.path ?? resolved.stack.model.repo ?? 'MODEL',
    });
    if (context.json) {
      return context.out.json({
        schema: 'stepctl/config-check/1',
        ok: true,
        profile: resolved.stack.profile,
        file: resolved.file,
        warnings: compiled.warnings,
      });
    }
    for (const warning of compiled.warnings) context.reporter.warn(warning);
    context.out.line(
      `the stack is right: profile ${resolved.stack.profile}${resolved.file === null ? '' : `, ${resolved.file}`}, vLLM ${resolved.stack.engine.vllm}`,
    );
  },
};

export const configSchemaCommand: CommandSpec = {
  name: 'config schema',
  summary: 'the JSON Schema of the stack file, for editors',
  examples: ['stepctl config schema > stepctl.schema.json'],
  run: async (context) => {
    const { stackJsonSchema } = await import('../../stack/index.ts');
    context.out.data(`${JSON.stringify(stackJsonSchema(), null, 2)}\n`);
  },
};

export const configProfilesCommand: CommandSpec = {
  name: 'config profiles',
  summary: 'the shipped stacks',
  examples: ['stepctl config profiles', 'stepctl config profiles --json'],
  run: async (context) => {
    const { listProfiles } = await import('../../stack/index.ts');
    const profiles = await listProfiles();
    if (context.json) return context.out.json({ schema: 'stepctl/profiles/1', profiles });
    context.out.line(
      renderTable(
        ['profile', 'what it is'],
        profiles.map((one) => [one.name, one.description]),
        context.out.isTty ? context.out.width : 200,
      ),
    );
  },
};
