import type { CheckpointScript, Script } from '../../lib/index.ts';
import type { SimFaults } from './faults.ts';

/** What one generated token adds to the answer. */
export type Piece =
  | { readonly channel: 'reasoning' | 'content'; readonly text: string }
  | { readonly channel: 'tool-name'; readonly index: number; readonly name: string }
  | { readonly channel: 'tool-arguments'; readonly index: number; readonly text: string }
  /** A token without text, such as `</think>` once the reasoning parser took it. */
  | { readonly channel: 'none' };

export interface Answer {
  /** The token at position k, from 0; positions past the end repeat the last stretch of text. */
  piece(k: number): Piece;
  /** Tokens until it ends by itself, end token included; null: never. */
  readonly length: number | null;
  readonly finish: 'stop' | 'tool_calls';
}

/** What a checkpoint without a script answers. */
const plain: Script = {
  name: 'chat',
  prompt: '',
  reasoning: '',
  content: 'This is the simulator of stepctl: no model computed these words, and no GPU was used.',
  toolCalls: [],
  finish: 'stop',
  completionTokens: 22,
};

/** The script that a right load would follow for this request. */
export function chooseScript(truth: CheckpointScript | null, question: string, hasTools: boolean): Script {
  const scripts = truth?.scripts ?? [];
  const named = (name: Script['name']) => scripts.find((script) => script.name === name);
  const endless = named('endless');
  if (endless !== undefined && question === endless.prompt) return endless;
  return (hasTools ? named('tool') : undefined) ?? named('chat') ?? plain;
}

/** Cuts text into `count` slices of nearly equal length; later ones may be empty. */
function sliceText(text: string, count: number): string[] {
  const letters = [...text];
  return Array.from({ length: count }, (_, index) =>
    letters
      .slice(Math.floor((index * letters.length) / count), Math.floor(((index + 1) * letters.length) / count))
      .join(''),
  );
}

const words = (text: string): number => text.split(/\s+/).filter(Boolean).length;

function toolPieces(script: Script): Piece[] {
  return script.toolCalls.flatMap((call, index): Piece[] => [
    { channel: 'tool-name', index, name: call.name },
    ...sliceText(JSON.stringify(call.arguments), 3).map((text): Piece => ({
      channel: 'tool-arguments',
      index,
      text,
    })),
  ]);
}

const toolText = (script: Script): string =>
  script.toolCalls
    .map(({ name, arguments: given }) => {
      const parameters = Object.entries(given).map(
        ([key, value]) => `<parameter=${key}>${value}</parameter>`,
      );
      return `<tool_call><function=${name}>${parameters.join('')}</function></tool_call>`;
    })
    .join('');

const scramble = (text: string): string => text.split(' ').toReversed().join(' ');

export interface AnswerOptions {
  readonly faults: SimFaults;
  readonly hasReasoningParser: boolean;
  readonly hasToolParser: boolean;
}

/** Text pieces of reasoning and content, as many as the script's own token count leaves after `reserved` others. */
function textPieces(script: Script, hasReasoningParser: boolean, reserved: number): Piece[] {
  const spent = reserved + 1 + (script.reasoning === '' ? 0 : 1);
  const total = Math.max(
    2,
    (script.completionTokens ?? words(`${script.reasoning} ${script.content}`) + spent) - spent,
  );
  const share = script.reasoning.length / Math.max(1, script.reasoning.length + script.content.length);
  const most = script.content === '' ? total : total - 1;
  const thinking = script.reasoning === '' ? 0 : Math.min(most, Math.max(1, Math.round(total * share)));
  const channel = hasReasoningParser ? 'reasoning' : 'content';
  const pieces: Piece[] = sliceText(script.reasoning, thinking).map((text) => ({ channel, text }));
  if (thinking > 0)
    pieces.push(hasReasoningParser ? { channel: 'none' } : { channel: 'content', text: '</think>' });
  const rest = script.content === '' ? 0 : total - thinking;
  return [...pieces, ...sliceText(script.content, rest).map((text): Piece => ({ channel: 'content', text }))];
}

/** Plans the whole answer, so that the token count of a scripted checkpoint is the script's own. */
export function planAnswer(script: Script, options: AnswerOptions): Answer {
  const { faults } = options;
  if (faults.isGarbage)
    return { piece: () => ({ channel: 'content', text: '!' }), length: null, finish: 'stop' };
  const hasCalls = script.toolCalls.length > 0;
  const said: Script = {
    ...script,
    reasoning: faults.isWrongText ? scramble(script.reasoning) : script.reasoning,
    content:
      (faults.isWrongText ? scramble(script.content) : script.content) +
      (hasCalls && !options.hasToolParser ? toolText(script) : ''),
  };
  const calls = hasCalls && options.hasToolParser ? toolPieces(script) : [];
  const pieces = [...textPieces(said, options.hasReasoningParser, calls.length), ...calls];
  const texts = pieces.filter((piece) => piece.channel === 'content');
  const loop: readonly Piece[] = texts.length > 0 ? texts : [{ channel: 'content', text: ' and' }];
  const isEndless = script.completionTokens === null;
  return {
    piece: (k) => pieces[k] ?? loop[(k - pieces.length) % loop.length] ?? { channel: 'none' },
    length: isEndless ? null : Math.max(pieces.length + 1, script.completionTokens ?? 0),
    finish: hasCalls && options.hasToolParser ? 'tool_calls' : 'stop',
  };
}
