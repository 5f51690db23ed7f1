import { closingBracket, skipSpace } from '../json/validate.ts';

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;

/**
 * What a message is, by the beginning of its JSON text: the first of `result`, `error` and `method` among its members
 * tells. Null if none has come yet, or the text is no object.
 */
export function sniffKind(bytes: Buffer): 'response' | 'call' | null {
  let at = skipSpace(bytes, 0);
  if (bytes[at] !== OPEN_OBJECT) return null;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] === QUOTE) {
    const end = stringEnd(bytes, at);
    if (end === -1) return null;
    const name = bytes.toString('utf8', at + 1, end - 1);
    if (name === 'result' || name === 'error') return 'response';
    // An escaped name may be any.
    if (name === 'method' || name.includes('\\')) return 'call';
    at = skipSpace(bytes, end);
    if (bytes[at] !== COLON) return null;
    at = valueEnd(bytes, skipSpace(bytes, at + 1));
    if (at === -1) return null;
    at = skipSpace(bytes, at);
    if (bytes[at] !== COMMA) return null;
    at = skipSpace(bytes, at + 1);
  }
  return null;
}

function valueEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === QUOTE) return stringEnd(bytes, at);
  if (bytes[at] === OPEN_OBJECT || bytes[at] === OPEN_ARRAY) return closingBracket(bytes, at);
  while (at < bytes.length && !',}]'.includes(String.fromCharCode(bytes[at]!))) at++;
  return at < bytes.length ? at : -1;
}

/** The place after the closing quote; -1 if it has not come. */
function stringEnd(bytes: Buffer, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    if (bytes[at] === QUOTE) return at + 1;
    if (bytes[at] === BACKSLASH) at++;
  }
  return -1;
}
