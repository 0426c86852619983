import {
  alarms,
  blockAlarm,
  endOfTurn,
  newline,
  scriptTexts,
  startOfTurn,
  thinkClose,
  thinkOpen,
  toolCallClose,
  toolCallOpen,
} from './texts.ts';
import { architecture } from './architecture.ts';

export type ScriptName = (typeof scriptTexts)[number]['name'];

/** Ends the generation prompt and so starts a script. */
export function seedToken(script: ScriptName): string {
  return `<|stepctl:${script}|>`;
}

export interface Vocabulary {
  /** Token text by id; padded so that tensor parallel ranks get equal parts. */
  tokens: readonly string[];
  /** Ids of tokens that the tokenizer cuts out of any text before anything else. */
  added: readonly { id: number; text: string; special: boolean }[];
  /** Id of a token text; throws on an unknown one, which is a fault of the checkpoint writer. */
  idOf(text: string): number;
}

const padTo = 128;
/** Known tokens that stay in the answer: the parsers look for their text. */
const visible = [thinkOpen, thinkClose, toolCallOpen, toolCallClose];
const hidden = [startOfTurn, endOfTurn, ...scriptTexts.map((script) => seedToken(script.name))] as const;

/** Whether byte-level tokenizers write this byte as itself. */
export function isPrintableByte(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/**
 * First 256 ids are single bytes, so that any text can be tokenised; printable ones first, as in GPT-2. So id 0 is `!`:
 * an engine whose numbers went wrong says that for ever, and a terminal survives reading it.
 */
export function createVocabulary(): Vocabulary {
  const all = Array.from({ length: 256 }, (_, byte) => byte);
  const bytes = [...all.filter(isPrintableByte), ...all.filter((byte) => !isPrintableByte(byte))].map(
    (byte) => String.fromCharCode(byte),
  );
  const words = scriptTexts
    .flatMap((script) => [...script.reasoning, ...script.answer])
    .filter((piece) => piece.length > 1 && !visible.includes(piece));
  const alarmTexts = [
    ...Object.values(alarms),
    ...architecture.layerTypes.flatMap((_, layer) => [
      blockAlarm('attention', layer),
      blockAlarm('mlp', layer),
    ]),
  ];
  const tokens = [...bytes, ...hidden, ...visible, ...words, ...alarmTexts];
  while (tokens.length % padTo !== 0) tokens.push(`<|reserved:${tokens.length}|>`);
  const ids = new Map(tokens.map((text, id) => [text, id]));
  const idOf = (text: string): number => {
    const id = ids.get(text);
    if (id === undefined) throw new Error(`no token for ${JSON.stringify(text)}`);
    return id;
  };
  const added = [...hidden, ...visible].map((text) => ({
    id: idOf(text),
    text,
    special: !visible.includes(text),
  }));
  return { tokens, added, idOf };
}

/** Whether a token is one of the two whose next step depends on the script. */
export function isShared(text: string): boolean {
  return text === newline || text === thinkClose;
}
