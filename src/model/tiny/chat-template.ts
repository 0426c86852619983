import { endlessTrigger, endOfTurn, startOfTurn, thinkOpen, toolCallClose, toolCallOpen } from './texts.ts';
import { seedToken } from './vocabulary.ts';

/** A Jinja expression that prints text as it is; bare text would lose its newlines to the `-` of the next tag. */
function print(...parts: string[]): string {
  return `{{- ${parts.join(' + ')} }}`;
}

function quote(text: string): string {
  return `'${text.replaceAll('\n', '\\n')}'`;
}

/**
 * Chat template (Jinja). The generation prompt ends with `<think>`, a newline and the seed token of a script: endless if the
 * last user message asks for it, tool if tools are given and no tool has answered yet, else chat.
 */
export function createChatTemplate(): string {
  const endTurn = print(quote(`${endOfTurn}\n`));
  return [
    `{%- set state = namespace(user='', role='') -%}`,
    `{%- if tools -%}`,
    print(quote(`${startOfTurn}system\n# Tools`)),
    `{%- for tool in tools -%}`,
    print(quote('\n'), '(tool | tojson)'),
    `{%- endfor -%}`,
    endTurn,
    `{%- endif -%}`,
    `{%- for message in messages -%}`,
    `{%- set state.role = message.role -%}`,
    `{%- if message.role == 'user' -%}{%- set state.user = message.content or '' -%}{%- endif -%}`,
    print(quote(startOfTurn), 'message.role', quote('\n'), `(message.content or '')`),
    `{%- for call in message.tool_calls or [] -%}`,
    print(quote(`\n${toolCallOpen}`), 'call.function.name', quote(' ')),
    `{{- call.function.arguments }}`,
    print(quote(toolCallClose)),
    `{%- endfor -%}`,
    endTurn,
    `{%- endfor -%}`,
    `{%- if add_generation_prompt -%}`,
    print(quote(`${startOfTurn}assistant\n${thinkOpen}\n`)),
    `{%- if '${endlessTrigger}' in state.user -%}`,
    print(quote(seedToken('endless'))),
    `{%- elif tools and state.role != 'tool' -%}`,
    print(quote(seedToken('tool'))),
    `{%- else -%}`,
    print(quote(seedToken('chat'))),
    `{%- endif -%}`,
    `{%- endif -%}`,
  ].join('');
}
