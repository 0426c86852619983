import type { Stack } from '../stack/schema.ts';
import type { Context } from './context.ts';
import { renderTable } from './table.ts';

/** What the stack becomes for its vLLM release; nothing is started. */
export async function showArgv(context: Context, stack: Stack): Promise<void> {
  const { compileServe } = await import('../vllm/index.ts');
  const { redactArgs, redactEnv } = await import('../stack/index.ts');
  const compiled = compileServe({ stack, modelPath: stack.model.path ?? stack.model.repo ?? 'MODEL' });
  const args = redactArgs([...compiled.args]);
  const env = redactEnv(compiled.env);
  if (context.json) return context.out.json({ schema: 'stepctl/argv/1', ...compiled, args, env });
  for (const warning of compiled.warnings) context.reporter.warn(warning);
  context.out.line(`for vLLM ${compiled.version}, by the table of ${compiled.compiledAs}`);
  const width = context.out.isTty ? context.out.width : 200;
  const rows = compiled.items.map((item) => [
    item.kind,
    item.name,
    (item.kind === 'env' ? env[item.name] : item.value) ?? '',
    item.because,
  ]);
  context.out.line(renderTable(['kind', 'name', 'value', 'because'], rows, width));
  for (const one of compiled.dropped) context.out.line(`left out  ${one.name}: ${one.because}`);
  context.out.line(
    'order     intents of the stack, then serve.env over their variables, then serve.extraArgs: the last one wins',
  );
  context.out.line(`\nvllm ${args.join(' ')}`);
}
