import type { Stack } from './schema.ts';

const secretName = /TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL/i;
/** `--max-num-batched-tokens` and the like hold no secret although the word is in them. */
const countsTokens = /TOKENS|KEY_?VALUE|TOKENI[ZS]ER/i;
const hidden = '***';

/** True for names of variables and flags whose value must never be shown. */
export const isSecretName = (name: string): boolean => secretName.test(name) && !countsTokens.test(name);

const redactUrl = (text: string): string => text.replace(/^(\w+:\/\/)[^/@\s]+@/, `$1${hidden}@`);

/** `--api-key X`, `--api-key=X`: the value is hidden, the flag stays. */
export const redactArgs = (args: readonly string[]): string[] =>
  args.map((arg, index) => {
    const before = args[index - 1] ?? '';
    if (before.startsWith('--') && !before.includes('=') && isSecretName(before) && !arg.startsWith('--'))
      return hidden;
    const at = arg.indexOf('=');
    return arg.startsWith('--') && at > 0 && isSecretName(arg.slice(0, at))
      ? `${arg.slice(0, at)}=${hidden}`
      : arg;
  });

/** Environment with the values of secret names hidden. */
export const redactEnv = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, isSecretName(name) ? hidden : redactUrl(value)]),
  );

/** The stack as it may be shown or logged: secrets in environment, extra arguments and addresses hidden. */
export const redact = (stack: Stack): Stack => ({
  ...stack,
  engine: {
    ...stack.engine,
    url: stack.engine.url === null ? null : redactUrl(stack.engine.url),
    args: redactArgs(stack.engine.args),
  },
  model: { ...stack.model, hub: redactUrl(stack.model.hub) },
  serve: { ...stack.serve, env: redactEnv(stack.serve.env), extraArgs: redactArgs(stack.serve.extraArgs) },
});
