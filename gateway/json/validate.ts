import { isUtf8 } from 'node:buffer';
import { Problem } from '../domain/problem.ts';
import { createMemberNames } from './member-names.ts';
import { isSurelyJson, scannedObject, type CheckedJson } from './scanned-object.ts';

/** Levels of arrays and objects. Far above what APIs use, far below what exhausts any parser's stack. */
export const MAX_DEPTH = 128;
/** No quantity needs a longer number, and the policy engine would spend milliseconds on one. */
const MAX_NUMBER_LENGTH = 320;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** 1 for bytes that may stand in a string unescaped. */
const PLAIN_IN_STRING = new Uint8Array(256).fill(1, 0x20);
PLAIN_IN_STRING[QUOTE] = 0;
PLAIN_IN_STRING[BACKSLASH] = 0;

const IS_DIGIT = new Uint8Array(256).fill(1, ZERO, ZERO + 10);
const SHORT_ESCAPES = new Uint8Array(256);
for (const letter of Buffer.from('"\\/bfnrt')) SHORT_ESCAPES[letter] = 1;

const LITERALS = new Map([
  [0x74, Buffer.from('true')],
  [0x66, Buffer.from('false')],
  [0x6e, Buffer.from('null')],
]);

// Validation is synchronous and not recursive, so all calls share one set of names and one stack.
const names = createMemberNames(MAX_DEPTH);
const isObject = new Uint8Array(MAX_DEPTH + 1);

/**
 * Returns the text of `bytes`, unchanged, if every parser reads them alike as one JSON value (RFC 8259): valid UTF-8
 * without byte order mark, no lone surrogates, no duplicate names in whatever case or escape, nothing after the value, at most
 * `MAX_DEPTH` levels. Numbers keep all their digits but must fit an IEEE 754 double: beyond it, the policy engine
 * compares exactly (or throws) where an upstream reads infinity or zero.
 * @throws Problem `bad-body`, which says what is wrong and at which byte
 */
export function validateJson(bytes: Buffer): string {
  assertJsonText(bytes);
  return bytes.toString('utf8');
}

/** The same; a long object stays in its bytes, which must not change from now on. @throws Problem `bad-body` */
export function checkJson(bytes: Buffer): CheckedJson {
  const isScanned = assertJsonText(bytes);
  return (isScanned ? scannedObject(bytes) : null) ?? bytes.toString('utf8');
}

/** Whether the scanner was sure of it. @throws Problem `bad-body` */
function assertJsonText(bytes: Buffer): boolean {
  if (!isUtf8(bytes)) throw refused('invalid UTF-8', firstInvalidByte(bytes));
  const isSure = isSurelyJson(bytes);
  if (!isSure) assertJson(bytes);
  return isSure;
}

/**
 * The careful reader, which decides on everything that the scanner is not sure of, and words the refusal. The bytes must be
 * UTF-8.
 * @throws Problem `bad-body`
 */
export function assertJson(bytes: Buffer): void {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw refused('a byte order mark', 0);
  names.reset(bytes);
  let depth = 0;
  let at = 0;

  for (;;) {
    at = skipSpace(bytes, at);
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = Math.abs(scanString(bytes, at));
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      if (depth === MAX_DEPTH) throw refused(`more than ${MAX_DEPTH} levels of nesting`, at);
      depth++;
      isObject[depth] = byte === OPEN_OBJECT ? 1 : 0;
      at = skipSpace(bytes, at + 1);
      if (byte === OPEN_ARRAY) {
        if (bytes[at] !== CLOSE_ARRAY) continue;
      } else {
        names.open(depth);
        if (bytes[at] !== CLOSE_OBJECT) {
          at = scanName(bytes, at, depth);
          continue;
        }
      }
      depth--;
      at++;
    } else if (byte === MINUS || IS_DIGIT[byte!]) {
      at = scanNumber(bytes, at);
    } else {
      at = scanLiteral(bytes, at);
    }

    // A value has ended: close what ends with it, until another value follows or the text ends.
    for (;;) {
      at = skipSpace(bytes, at);
      if (depth === 0) {
        if (at < bytes.length) throw refused('data after the end of the value', at);
        return;
      }
      const next = bytes[at];
      if (next === COMMA) {
        at++;
        if (isObject[depth]) at = scanName(bytes, skipSpace(bytes, at), depth);
        break;
      }
      if (next !== (isObject[depth] ? CLOSE_OBJECT : CLOSE_ARRAY)) throw unexpected(bytes, at);
      depth--;
      at++;
    }
  }
}

/** The place after the bracket that closes the one at `start`, whatever stands between; -1 without one. */
export function closingBracket(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      for (at++; bytes[at] !== QUOTE && at < bytes.length; at++) if (bytes[at] === BACKSLASH) at++;
    } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return at + 1;
  }
  return -1;
}

/** The place of the first byte from `at` that is no white space of JSON. */
export function skipSpace(bytes: Buffer, at: number): number {
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte > 0x20 || (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)) break;
  }
  return at;
}

/** The place after a member's name and its colon. */
function scanName(bytes: Buffer, at: number, depth: number): number {
  if (bytes[at] !== QUOTE) throw unexpected(bytes, at);
  const scanned = scanString(bytes, at);
  const end = Math.abs(scanned);
  // Duplicate names: one parser takes the first, another the last (RFC 8259 section 4), and Go takes `Amount` for `amount`.
  if (!names.add(depth, at + 1, end - 1, scanned < 0))
    throw refused('a duplicate member name', at, ', where upper and lower case are the same');
  at = skipSpace(bytes, end);
  if (bytes[at] !== COLON) throw unexpected(bytes, at);
  return at + 1;
}

/** The place after the closing quote; negative when the string has escapes. */
function scanString(bytes: Buffer, start: number): number {
  let at = start + 1;
  while (PLAIN_IN_STRING[bytes[at]!]) at++;
  if (bytes[at] === QUOTE) return at + 1;
  for (;;) {
    if (bytes[at] === QUOTE) return -(at + 1);
    if (at >= bytes.length) throw refused('an unterminated string', start);
    if (bytes[at] !== BACKSLASH) throw refused('an unescaped control character in a string', at);
    at = scanEscape(bytes, at);
    while (PLAIN_IN_STRING[bytes[at]!]) at++;
  }
}

function scanEscape(bytes: Buffer, at: number): number {
  if (SHORT_ESCAPES[bytes[at + 1]!]) return at + 2;
  const unit = codeUnit(bytes, at);
  if (unit < 0xd800 || unit > 0xdfff) return at + 6;
  // Lone surrogates are not characters: parsers replace, drop or reject them.
  const paired = unit < 0xdc00 && bytes[at + 6] === BACKSLASH && bytes[at + 7] === LETTER_U;
  const next = paired ? codeUnit(bytes, at + 6) : 0;
  if (next < 0xdc00 || next > 0xdfff) throw refused('an unpaired surrogate', at);
  return at + 12;
}

/** The value of `\uXXXX`. */
function codeUnit(bytes: Buffer, at: number): number {
  const digits = bytes.toString('latin1', at + 2, at + 6);
  if (bytes[at + 1] !== LETTER_U || !/^[0-9a-fA-F]{4}$/.test(digits)) throw refused('an invalid escape', at);
  return Number.parseInt(digits, 16);
}

function scanNumber(bytes: Buffer, start: number): number {
  let at = start;
  if (bytes[at] === MINUS) at++;
  if (!IS_DIGIT[bytes[at]!]) throw unexpected(bytes, at);
  if (bytes[at] === ZERO) at++;
  else at = skipDigits(bytes, at);
  if (bytes[at] === POINT) at = skipDigits(bytes, at + 1);
  const exponent = bytes[at] === 0x65 || bytes[at] === 0x45;
  if (exponent) {
    const sign = bytes[at + 1];
    at = skipDigits(bytes, at + (sign === 0x2b || sign === MINUS ? 2 : 1));
  }
  if (at - start > MAX_NUMBER_LENGTH) throw refused(`a number of more than ${MAX_NUMBER_LENGTH} characters`, start);
  if (exponent || at - start > 300) assertFinite(bytes, start, at);
  return at;
}

/** The place after one or more digits. */
function skipDigits(bytes: Buffer, at: number): number {
  if (!IS_DIGIT[bytes[at]!]) throw unexpected(bytes, at);
  while (IS_DIGIT[bytes[at]!]) at++;
  return at;
}

function assertFinite(bytes: Buffer, start: number, end: number): void {
  const text = bytes.toString('latin1', start, end);
  const value = Number(text);
  const vanished = value === 0 && /^[^eE]*[1-9]/.test(text);
  if (vanished || !Number.isFinite(value)) throw refused('a number beyond double precision', start);
}

function scanLiteral(bytes: Buffer, at: number): number {
  const literal = LITERALS.get(bytes[at]!);
  if (literal === undefined || !literal.equals(bytes.subarray(at, at + literal.length))) throw unexpected(bytes, at);
  return at + literal.length;
}

function unexpected(bytes: Buffer, at: number): Problem {
  return refused(at >= bytes.length ? 'an unexpected end' : 'something that is not JSON', at);
}

function refused(what: string, at: number, note = ''): Problem {
  return new Problem('bad-body', {
    detail: `The JSON body has ${what} at byte ${at}${note}. Correct it and send the call again.`,
  });
}

/** Decoding replaces each invalid byte, so the first invalid one is where the texts differ. */
function firstInvalidByte(bytes: Buffer): number {
  const replaced = Buffer.from(bytes.toString('utf8'));
  let at = 0;
  while (bytes[at] === replaced[at]) at++;
  return at;
}
