const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Where a value stands: names of members and indexes of elements, outermost first. */
export type Place = readonly (string | number)[];

/**
 * Replaces string values in JSON text and keeps every other byte. `edit` returns the new value, or null to keep the old
 * one. Text that is not JSON is kept where it cannot be read.
 */
export function editStrings(json: Buffer, edit: (place: Place, value: () => string) => string | null): Buffer {
  // One character per byte, so that places in the text are places in the bytes.
  const text = json.toString('latin1');
  const place: (string | number)[] = [];
  const parts: Buffer[] = [];
  let kept = 0;
  let isName = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
        place.push('');
        isName = true;
        break;
      case OPEN_ARRAY:
        place.push(0);
        isName = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        place.pop();
        isName = false;
        break;
      case COMMA: {
        const last = place.at(-1);
        if (typeof last === 'number') place[place.length - 1] = last + 1;
        isName = typeof last === 'string';
        break;
      }
      case QUOTE: {
        const end = endOfString(text, at + 1);
        if (end < 0) return json;
        const source = json.subarray(at, end + 1);
        if (isName) {
          place[place.length - 1] = decode(source);
          isName = false;
        } else {
          const edited = edit(place, () => decode(source));
          if (edited !== null) {
            parts.push(json.subarray(kept, at), encode(edited, source));
            kept = end + 1;
          }
        }
        at = end;
      }
    }
  }
  return parts.length === 0 ? json : Buffer.concat([...parts, json.subarray(kept)]);
}

/** The place of the quotation mark that ends a string; -1 without one. */
function endOfString(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = end;
    while (escapes > from && text.charCodeAt(escapes - 1) === BACKSLASH) escapes -= 1;
    if ((end - escapes) % 2 === 0) return end;
  }
  return -1;
}

function decode(source: Buffer): string {
  try {
    return JSON.parse(source.toString('utf8')) as string;
  } catch {
    return '';
  }
}

/** PHP and others escape slashes; the new string is written like the old one. */
function encode(value: string, source: Buffer): Buffer {
  const text = JSON.stringify(value);
  return Buffer.from(source.includes('\\/') ? text.replaceAll('/', '\\/') : text);
}
