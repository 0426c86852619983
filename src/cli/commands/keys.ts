import type { CommandSpec, Context } from '../context.ts';
import { keyFile } from '../key-file.ts';
import { renderTable } from '../table.ts';

async function openStore(context: Context) {
  const { openKeyStore } = await import('../../proxy/index.ts');
  return openKeyStore(keyFile(context.env));
}

export const keysCreateCommand: CommandSpec = {
  name: 'keys create',
  summary: 'make a key for a client; it is shown once and stored as a hash',
  args: [{ name: '<name>', description: 'who or what will use it, e.g. laptop' }],
  options: [
    { flags: '--scope <scope>', description: 'what it may do; chat unless told otherwise', many: true },
  ],
  examples: [
    'stepctl keys create laptop',
    'export OPENAI_API_KEY=$(stepctl keys create ci --json | jq -r .key)',
  ],
  run: async (context, args, options) => {
    const store = await openStore(context);
    const made = await store.create({
      name: args[0] ?? '',
      scopes: (options['scope'] as string[] | undefined) ?? ['chat'],
    });
    if (context.json) return context.out.json({ schema: 'stepctl/key/1', ...made });
    context.out.line(made.key);
    context.out.say(
      `key ${made.id} for "${made.name}" made; it is not shown again\n  use it as  Authorization: Bearer ${made.key.slice(0, 12)}…`,
    );
  },
};

export const keysListCommand: CommandSpec = {
  name: 'keys list',
  summary: 'the keys, without their secrets',
  examples: ['stepctl keys list', 'stepctl keys list --json'],
  run: async (context) => {
    const keys = await (await openStore(context)).list();
    if (context.json) return context.out.json({ schema: 'stepctl/keys/1', keys });
    if (keys.length === 0) return context.out.line('no keys yet\n  next  stepctl keys create NAME');
    const rows = keys.map((key) => [
      key.id,
      key.name,
      key.scopes.join(','),
      new Date(key.createdAt).toISOString().slice(0, 16),
      key.disabled ? 'revoked' : 'active',
    ]);
    context.out.line(renderTable(['id', 'name', 'scopes', 'created', 'state'], rows, context.out.width));
  },
};

export const keysRevokeCommand: CommandSpec = {
  name: 'keys revoke',
  summary: 'make a key stop working, at once',
  args: [{ name: '<id>', description: 'the id that `stepctl keys list` shows' }],
  examples: ['stepctl keys revoke k7f3a1'],
  run: async (context, args) => {
    const store = await openStore(context);
    await store.revoke(args[0] ?? '');
    if (context.json) context.out.json({ schema: 'stepctl/key/1', id: args[0], disabled: true });
    else context.out.line(`key ${args[0] ?? ''} no longer works`);
  },
};
