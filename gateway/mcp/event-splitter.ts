const LF = 0x0a;
const CR = 0x0d;
const EMPTY = Buffer.alloc(0);

/**
 * Cuts a stream of server-sent events (WHATWG HTML, section 9.2) after each event, byte for byte: what comes out joined
 * is what went in. Comments and `retry:` alone are events here too.
 */
export class EventSplitter {
  #rest: Buffer[] = [];
  #bytes = 0;
  /** Whether the last line that came is empty so far, and whether it may be the second half of CRLF. */
  #atLineStart = true;
  #afterCr = false;

  /** Bytes of the event that has not ended yet. */
  get pending(): number {
    return this.#bytes;
  }

  /** The first bytes of the event that has not ended yet. */
  peek(bytes: number): Buffer {
    return Buffer.concat(this.#rest).subarray(0, bytes);
  }

  /** The events that end in this chunk. */
  push(chunk: Buffer): Buffer[] {
    const events: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!;
      if (byte !== LF && byte !== CR) {
        // Most of a stream is no line break, and the search of the platform is faster.
        const next = nextBreak(chunk, at + 1);
        this.#atLineStart = false;
        this.#afterCr = false;
        at = next - 1;
        continue;
      }
      if (byte === LF && this.#afterCr) {
        this.#afterCr = false;
        // The second half of a line's end. If the event ended with its first half, it belongs to that event.
        if (this.#bytes + at - from === 0 && events.length > 0 && from === at) {
          events.push(Buffer.concat([events.pop()!, chunk.subarray(at, at + 1)]));
          from = at + 1;
        }
        continue;
      }
      this.#afterCr = byte === CR;
      if (this.#atLineStart) {
        events.push(this.#take(chunk.subarray(from, at + 1)));
        from = at + 1;
      }
      this.#atLineStart = true;
    }
    if (from < chunk.length) {
      this.#rest.push(chunk.subarray(from));
      this.#bytes += chunk.length - from;
    }
    return events;
  }

  /** What has come of an event that has not ended. */
  flush(): Buffer {
    return this.#take(EMPTY);
  }

  #take(last: Buffer): Buffer {
    const event = this.#rest.length === 0 ? last : Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    this.#bytes = 0;
    return event;
  }
}

function nextBreak(chunk: Buffer, from: number): number {
  const lf = chunk.indexOf(LF, from);
  const end = lf === -1 ? chunk.length : lf;
  const cr = chunk.subarray(from, end).indexOf(CR);
  return cr === -1 ? end : from + cr;
}

/** The data of an event, its lines joined (section 9.2.6); null if it has none. A stream may begin with a byte order mark. */
export function dataOf(event: Buffer): string | null {
  const lines = event
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .filter((line) => line === 'data' || line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''));
  return lines.length === 0 ? null : lines.join('\n');
}

/** A message as an event. JSON may be written over several lines; each is a field of its own. */
export function asEvent(json: string): Buffer {
  return Buffer.from(`event: message\n${dataLines(json)}\n\n`);
}

/** An event with other data: its other fields stay, in front. */
export function withData(event: Buffer, data: string): Buffer {
  const others = event
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .filter((line) => line !== '' && line !== 'data' && !line.startsWith('data:'));
  return Buffer.from(`${[...others, dataLines(data)].join('\n')}\n\n`);
}

function dataLines(data: string): string {
  return data
    .split(/\r\n|\r|\n/)
    .map((line) => `data: ${line}`)
    .join('\n');
}
