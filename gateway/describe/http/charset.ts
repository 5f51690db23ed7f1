import { isUtf8 } from 'node:buffer';
import { Problem } from '../../domain/problem.ts';
import type { CheckedJson } from '../../json/scanned-object.ts';
import { checkJson, validateJson } from '../../json/validate.ts';
import type { Readings } from './readings.ts';

/** How a Content-Type says that text is encoded. */
export type Charset = 'utf-8' | 'latin1' | 'utf-16';

const NAMES: readonly (readonly [RegExp, Charset])[] = [
  [/^(?:utf-?8|us-ascii)$/i, 'utf-8'],
  [/^(?:iso-?8859-1|iso_8859-1|latin-?1|windows-1252)$/i, 'latin1'],
  [/^utf-?16(?:le|be)?$/i, 'utf-16'],
];

/**
 * The charset that a Content-Type states; UTF-8 if it states none.
 * @throws Problem `bad-body` for any other charset: in UTF-7 or IBM037 the same bytes are a different text
 */
export function charsetOf(contentType: string): Charset {
  // Nearly all calls state none; the general way is slower.
  if (!contentType.includes('=')) return 'utf-8';
  let charset: Charset | null = null;
  for (const [, name] of contentType.matchAll(/charset\*?\d*\*?[ \t]*=[ \t]*"?([^";]*)/gi)) {
    const known = NAMES.find(([pattern]) => pattern.test(name!.trim()))?.[1];
    if (known === undefined || (charset !== null && charset !== known)) throw refused();
    charset = known;
  }
  return charset ?? 'utf-8';
}

/**
 * A JSON body in each encoding in which systems may read it. Nearly all ignore a stated charset
 * (RFC 8259 section 8.1 knows UTF-8 only), and some heed it.
 * @throws Problem `bad-body` if no encoding makes valid JSON of the body
 */
export function readJsonText(body: Buffer, charset: Charset): Readings<CheckedJson> {
  const mark = body.length < 2 ? 0 : body.readUInt16BE(0);
  if (mark === 0xfffe || mark === 0xfeff) return [validateJson(utf16(body.subarray(2), mark === 0xfeff))];
  if (mark === 0xefbb && body[2] === 0xbf) return [checkJson(body.subarray(3))];
  if (charset === 'utf-8') return [checkJson(body)];
  // Whichever byte is zero tells the order: JSON begins with an ASCII character.
  if (charset === 'utf-16') {
    if (isUtf8(body) && !body.includes(0)) throw refused();
    return [validateJson(utf16(body, body[0] === 0))];
  }
  const latin1 = validateJson(Buffer.from(body.toString('latin1')));
  if (!isUtf8(body)) return [latin1];
  const utf8 = validateJson(body);
  return utf8 === latin1 ? [utf8] : [utf8, latin1];
}

function utf16(body: Buffer, isBigEndian: boolean): Buffer {
  try {
    const text = new TextDecoder(isBigEndian ? 'utf-16be' : 'utf-16le', { fatal: true, ignoreBOM: true }).decode(body);
    return Buffer.from(text);
  } catch {
    throw refused();
  }
}

function refused(): Problem {
  return new Problem('bad-body', { detail: 'Send the body in UTF-8.' });
}
