/** Largest event accepted before the stream counts as nonsense; the longest real ones are tool arguments of some 100 kB. */
const maxEventChars = 16 * 1024 * 1024;

export interface SseSplitter {
  /** Takes the bytes of one read, returns the `data` of every event that they complete, in order. */
  push(bytes: Uint8Array): string[];
  /** The body ended: returns a last event whose blank line never came. */
  end(): string[];
}

/**
 * Splits a text/event-stream body into the data of its events, for any slicing of its bytes: characters and line ends
 * cut in two, CRLF, CR or LF, comments, several data lines, a byte order mark.
 * Unlike a browser it hands out a last event without a blank line: servers that forget it are common, losing it would
 * lose a token. Throws RangeError for an event above 16 Mi characters.
 */
export function createSseSplitter(): SseSplitter {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let scanned = 0;
  let data: string[] = [];
  let skipLineFeed = false;
  let dataChars = 0;

  const takeLine = (line: string, events: string[]): void => {
    if (line === '') {
      if (data.length > 0) events.push(data.join('\n'));
      data = [];
      dataChars = 0;
      return;
    }
    const value = readDataField(line);
    if (value === null) return;
    data.push(value);
    dataChars += value.length;
  };

  const split = (text: string): string[] => {
    const events: string[] = [];
    rest += text;
    let start = 0;
    for (let at = scanned; at < rest.length; at += 1) {
      const char = rest.charCodeAt(at);
      if (char !== 10 && char !== 13) {
        skipLineFeed = false;
        continue;
      }
      // The LF of a CRLF whose CR has already ended the line, perhaps in an earlier read.
      if (!(char === 10 && skipLineFeed)) takeLine(rest.slice(start, at), events);
      skipLineFeed = char === 13;
      start = at + 1;
    }
    rest = start === 0 ? rest : rest.slice(start);
    scanned = rest.length;
    if (rest.length + dataChars > maxEventChars)
      throw new RangeError('a server-sent event is larger than 16 Mi characters');
    return events;
  };

  return {
    push: (bytes) => split(decoder.decode(bytes, { stream: true })),
    end: () => split(`${decoder.decode()}\n\n`),
  };
}

function readDataField(line: string): string | null {
  if (!line.startsWith('data')) return null;
  if (line.length === 4) return '';
  if (line.charCodeAt(4) !== 58) return null;
  return line.charCodeAt(5) === 32 ? line.slice(6) : line.slice(5);
}
