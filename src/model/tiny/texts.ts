/** What the checkpoint says, cut into its tokens. Every piece is a token of its own and stands in one place only. */
export interface ScriptText {
  name: 'chat' | 'tool' | 'endless';
  prompt: string;
  reasoning: readonly string[];
  /** Pieces after `</think>`. */
  answer: readonly string[];
  toolCalls: readonly { name: string; arguments: Record<string, string> }[];
}

/** The chat template looks for these words in the last user message. */
export const endlessTrigger = 'without end';

export const thinkOpen = '<think>';
export const thinkClose = '</think>';
export const toolCallOpen = '<tool_call>';
export const toolCallClose = '</tool_call>';
export const endOfTurn = '<|im_end|>';
export const startOfTurn = '<|im_start|>';
/** Stands before a tool call and, in every script, at the end of the prompt. */
export const newline = '\n';

/** The last piece of each reasoning carries the newline that the reasoning parser must trim. */
export const scriptTexts: readonly ScriptText[] = [
  {
    name: 'chat',
    prompt: 'Hello! Who are you?',
    reasoning: [
      'Some',
      'one',
      ' greets',
      ' me',
      ' and',
      ' asks',
      ' for',
      ' a name',
      ',',
      ' so',
      ' a short',
      ' honest',
      ' reply',
      ' will',
      ' do',
      ' best',
      '.\n',
    ],
    answer: [
      'Hello',
      '! I',
      ' am',
      ' the',
      ' tiny',
      ' scripted',
      ' model',
      ' of',
      ' stepctl',
      '. If',
      ' you',
      ' can',
      ' read',
      ' this',
      ' sentence',
      ', every',
      ' expert',
      ' was',
      ' loaded',
      ' right',
      '.',
    ],
    toolCalls: [],
  },
  {
    name: 'tool',
    prompt: 'What is the weather in Paris?',
    reasoning: [
      'They',
      ' want',
      ' today',
      "'s",
      ' weather',
      '; one',
      ' call',
      ' to',
      ' that',
      ' function',
      ' should',
      ' tell',
      '!\n',
    ],
    answer: [
      toolCallOpen,
      '\n<function=',
      'get',
      '_weather',
      '>\n',
      '<parameter=',
      'city',
      '>\nPar',
      'is\n',
      '</parameter>',
      '\n</function>\n',
      toolCallClose,
    ],
    toolCalls: [{ name: 'get_weather', arguments: { city: 'Paris' } }],
  },
  {
    name: 'endless',
    prompt: `Tell me a tale ${endlessTrigger}.`,
    reasoning: ['A tale', ' which', ' could', ' never', ' stop', ':', ' let', ' it', ' go', ' round', '~\n'],
    answer: [
      ' The wheel',
      ' turns',
      ', over',
      ' hill',
      ' and dale',
      ', under',
      ' bridge',
      ', past',
      ' mill',
      ' and meadow',
      ', through',
      ' rain',
      ' and sunshine',
      ', home',
      ' again',
      ';',
    ],
    toolCalls: [],
  },
];

/** What a broken load says instead: the name of the part that went wrong. */
export const alarms = {
  missing: ' [an expert did not answer]',
  rival: ' [an expert computed wrongly]',
  other: ' [another expert answered]',
  gate: ' [an attention gate is lost]',
} as const;

/** Alarm of a block whose only work is to silence it: attention or MLP of one layer. */
export function blockAlarm(kind: 'attention' | 'mlp', layer: number): string {
  return ` [${kind} of layer ${layer} is lost]`;
}
