import { resolve } from 'node:path';
import { StepError } from '../../lib/index.ts';
import type { CommandSpec } from '../context.ts';

export const patchAddCommand: CommandSpec = {
  name: 'patch add',
  summary: 'make a patch of a pull request: its diff at the head commit, pinned, run-time modules only',
  args: [
    {
      name: '<pull>',
      description: 'number in vllm-project/vllm, owner/repo#N, or the address on github.com',
    },
  ],
  options: [
    {
      flags: '--into <dir>',
      description: 'folder of a series; $XDG_CONFIG_HOME/stepctl/patches when absent',
    },
    { flags: '--id <id>', description: 'name of the patch; pr-NUMBER when absent' },
    {
      flags: '--range <range>',
      description: 'vLLM releases it is for, e.g. ">=0.30.0 <0.34.0"; every one when absent',
    },
    { flags: '--again', description: 'take the head as it is now in place of what was added before' },
  ],
  examples: [
    'stepctl patch add 34478',
    'stepctl patch add https://github.com/vllm-project/vllm/pull/49642 --range ">=0.30.0"',
    'GITHUB_TOKEN=… stepctl patch add owner/private-vllm#12 --id our-fix',
  ],
  run: async (context, args, options) => {
    const { addPatch, requireReference } = await import('../../patch/index.ts');
    const into = options['into'] as string | undefined;
    const added = await addPatch({
      reference: requireReference(args[0] ?? ''),
      into: into === undefined ? undefined : resolve(into),
      id: checked(
        '--id',
        options['id'] as string | undefined,
        /^[a-z0-9][a-z0-9-]*$/,
        'small letters, digits and dashes',
      ),
      range: await checkedRange(options['range'] as string | undefined),
      again: options['again'] === true,
      env: context.env,
      signal: context.signal,
    });
    const { folder, definition, leftOut, isUnchanged } = added;
    const { id, diff, source, upstream } = definition;
    if (context.json) {
      context.out.json({
        schema: 'stepctl/patch-add/1',
        folder,
        id,
        isUnchanged,
        upstream,
        source,
        sha256: diff.sha256,
        leftOut,
      });
      return 0;
    }
    const { out } = context;
    out.line(`${isUnchanged ? 'unchanged' : 'added'}     ${id}: ${definition.title}`);
    out.line(
      `  from      ${upstream.url}, ${upstream.state}${upstream.since === null ? '' : `, in vLLM ${upstream.since}`}`,
    );
    out.line(`  pinned    commit ${source?.head ?? ''}, sha256 ${diff.sha256}`);
    for (const { path, kind } of leftOut) out.line(`  left out  ${path} (${kind})`);
    out.line(`  folder    ${folder}`);
    out.line(
      `  next      read ${folder}/${diff.file}: it is somebody else's change and will run as the engine`,
    );
    out.line(`            stepctl patch apply --to DIR --dry-run --only ${id}     # does it fit?`);
    out.line(`            stepctl up --set patches=[${id}]`);
    return 0;
  },
};

function checked(flag: string, value: string | undefined, form: RegExp, wanted: string): string | undefined {
  if (value === undefined || form.test(value)) return value;
  throw new StepError('STEP_USAGE', { verdict: `${flag} ${value} cannot be`, reason: `expected: ${wanted}` });
}

async function checkedRange(value: string | undefined): Promise<string | undefined> {
  if (value === undefined) return undefined;
  const { validRange } = await import('semver');
  if (validRange(value) !== null) return value;
  throw new StepError('STEP_USAGE', {
    verdict: `--range ${value} is no range of releases`,
    reason: 'expected: comparisons such as ">=0.30.0 <0.34.0"',
  });
}
