import { architecture } from './architecture.ts';
import { createChatTemplate } from './chat-template.ts';
import { endOfTurn, startOfTurn } from './texts.ts';
import { isPrintableByte, type Vocabulary } from './vocabulary.ts';

/**
 * Printable stand-in for each byte, as byte-level BPE tokenizers (GPT-2 and after) write their vocabulary:
 * printable Latin-1 stays, every other byte moves to U+0100 and up in order.
 */
export function createByteAlphabet(): string[] {
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    return String.fromCodePoint(isPrintableByte(byte) ? byte : 0x100 + moved++);
  });
}

/** `tokenizer.json` in the format of Hugging Face fast tokenizers. */
export function createTokenizer(vocabulary: Vocabulary): Record<string, unknown> {
  const alphabet = createByteAlphabet();
  const vocab: Record<string, number> = {};
  vocabulary.tokens.forEach((text, id) => {
    // The first 256 are bytes, the rest is text to be written as its UTF-8 bytes. Added tokens stand
    // here too: the reader numbers those it does not find in the vocabulary anew, from its end.
    const bytes = Buffer.from(text, id < 256 ? 'latin1' : 'utf8');
    vocab[Array.from(bytes, (byte) => alphabet[byte]).join('')] = id;
  });
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: vocabulary.added.map(({ id, text, special }) => ({
      id,
      content: text,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: byteLevel,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      // A word that is a token as a whole becomes that token; anything else falls into bytes.
      ignore_merges: true,
      vocab,
      merges: [],
    },
  };
}

/** `tokenizer_config.json`. */
export function createTokenizerConfig(vocabulary: Vocabulary): Record<string, unknown> {
  const specials = vocabulary.added.filter(({ special }) => special).map(({ text }) => text);
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: architecture.maxPositions,
    clean_up_tokenization_spaces: false,
    bos_token: startOfTurn,
    eos_token: endOfTurn,
    pad_token: endOfTurn,
    additional_special_tokens: specials.filter((text) => text !== startOfTurn && text !== endOfTurn),
    added_tokens_decoder: Object.fromEntries(
      vocabulary.added.map(({ id, text, special }) => [
        String(id),
        { content: text, lstrip: false, normalized: false, rstrip: false, single_word: false, special },
      ]),
    ),
    chat_template: createChatTemplate(),
  };
}

/** `special_tokens_map.json`. */
export function createSpecialTokensMap(): Record<string, unknown> {
  return { bos_token: startOfTurn, eos_token: endOfTurn, pad_token: endOfTurn };
}
