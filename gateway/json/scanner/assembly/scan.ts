// AssemblyScript, compiled to ../scan.wasm by `npm run build:scanner`. In two passes (after simdjson: Langdale and Lemire,
// "Parsing Gigabytes of JSON per Second", 2019): `places.ts` finds where strings and punctuation are, 64 bytes at a time; the
// walk in this file goes over these places and checks the grammar.
//
// It has to be sound, never complete. Whatever it does not accept, the careful reader decides on: every error, an escape
// or another letter than of ASCII in a name, an exponent.

import {
  DOCUMENT,
  INDEX,
  MEMBERS,
  MEMBER_COUNT,
  MOST_MEMBERS,
  MOST_SUSPECTS,
  QUOTE,
  SLASHES,
  SUSPECTS,
  SUSPECT_COUNT,
  addSpan,
  hasBit,
  result,
  setResult,
} from './memory';
import { addName, begin, beginNames, hash, isForeign, lookAtName, objectAt } from './names';
import { findPlaces, hasEscape } from './places';
import { findSigns, hasSign } from './signs';

export {
  DOCUMENT,
  LONGEST,
  MEMBERS,
  MOST_MEMBERS,
  MOST_NEW_NAMES,
  MOST_SUSPECTS,
  NEW_NAMES,
  RESULT,
  SIGNS,
  SUSPECTS,
} from './memory';
export { know } from './names';

const MAX_DEPTH: u32 = 128;
const LONGEST_NUMBER: usize = 300;
/** A number of so many characters may be that of a card. */
const CARD: u32 = 13;

const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const OPEN_LIST: u32 = 0x5b;
const CLOSE_LIST: u32 = 0x5d;
const OPEN_OBJECT: u32 = 0x7b;
const CLOSE_OBJECT: u32 = 0x7d;

function endsScalar(code: u32): bool {
  return code == COMMA || code == CLOSE_LIST || code == CLOSE_OBJECT || code <= 0x20;
}

function isDigit(at: usize): bool {
  return <u32>load<u8>(at) - 0x30 < 10;
}

/** The end of a number; 0 if it is none, or if it has an exponent or many digits. */
function numberEnd(from: usize): usize {
  let at = from;
  if (load<u8>(at) == 0x2d) at++;
  if (!isDigit(at)) return 0;
  if (load<u8>(at) == 0x30) at++;
  else while (isDigit(at)) at++;
  if (load<u8>(at) == 0x2e) {
    at++;
    if (!isDigit(at)) return 0;
    while (isDigit(at)) at++;
  }
  return endsScalar(load<u8>(at)) && at - from < LONGEST_NUMBER ? at : 0;
}

/** The end of `true`, `false` or `null`; 0 if it is none of them. */
function literalEnd(at: usize): usize {
  const word = load<u32>(at);
  let end: usize = 0;
  if (word == 0x65757274 || word == 0x6c6c756e) end = at + 4;
  else if (word == 0x736c6166 && load<u8>(at + 4) == 0x65) end = at + 5;
  return end != 0 && endsScalar(load<u8>(end)) ? end : 0;
}

function addSuspect(from: u32, to: u32): void {
  addSpan(SUSPECTS, SUSPECT_COUNT, MOST_SUSPECTS, from, to);
}

/**
 * Whether the document of `length` bytes at DOCUMENT, which must be UTF-8, is surely JSON as `validateJson` accepts it.
 * @param forSecrets whether to look for what may be a secret
 */
export function scan(length: u32, forSecrets: bool): bool {
  for (let i: usize = 0; i < 3; i++) setResult(i, 0);
  for (let i: usize = 0; i < 80; i += 16) v128.store(DOCUMENT + <usize>length + i, i8x16.splat(0x20));
  if (!findPlaces(length)) return false;
  const hasSigns = forSecrets && findSigns(length);
  beginNames(length);

  let depth: usize = 0;
  let object: u32 = 0;
  let place: usize = INDEX;
  let at: u32 = load<u32>(place);
  while (true) {
    // A value begins.
    const code: u32 = load<u8>(DOCUMENT + <usize>at);
    let end: u32 = 0;
    let isName = false;
    if (code == QUOTE) {
      place += 4;
      const closing = load<u32>(place);
      end = closing + 1;
      if (hasSigns && hasSign(<usize>at + 1, <usize>closing)) addSuspect(at, end);
    } else if (code == OPEN_OBJECT || code == OPEN_LIST) {
      if (depth == <usize>MAX_DEPTH) return false;
      depth++;
      object = begin(depth, code == OPEN_OBJECT);
      place += 4;
      at = load<u32>(place);
      if (at >= length) return false;
      if (<u32>load<u8>(DOCUMENT + <usize>at) == code + 2) {
        end = at + 1;
        depth--;
        object = objectAt(depth);
      } else if (object != 0) isName = true;
      else continue;
    } else {
      const from = DOCUMENT + <usize>at;
      const stop = code == 0x2d || code - 0x30 < 10 ? numberEnd(from) : literalEnd(from);
      if (stop == 0) return false;
      end = <u32>(stop - DOCUMENT);
      if (forSecrets && end - at >= CARD) addSuspect(at, end);
    }

    if (!isName) {
      // A value has ended: close what ends with it, until another value follows or the document ends.
      for (;;) {
        if (depth == 1 && object != 0) {
          const member = result(MEMBER_COUNT) - 1;
          if (member < MOST_MEMBERS) store<u32>(MEMBERS + ((<usize>member) << 4), end, 12);
        }
        place += 4;
        at = load<u32>(place);
        if (depth == 0) return at >= length;
        if (at >= length) return false;
        const next: u32 = load<u8>(DOCUMENT + <usize>at);
        if (next == COMMA) {
          place += 4;
          at = load<u32>(place);
          if (at >= length) return false;
          break;
        }
        if (next != (object != 0 ? CLOSE_OBJECT : CLOSE_LIST)) return false;
        end = at + 1;
        depth--;
        object = objectAt(depth);
      }
      if (object == 0) continue;
    }

    // A name begins.
    if (load<u8>(DOCUMENT + <usize>at) != <u8>QUOTE) return false;
    const name = DOCUMENT + <usize>at + 1;
    place += 4;
    const closing = load<u32>(place);
    const size = DOCUMENT + <usize>closing - name;
    const value = hash(name, size);
    if (isForeign || (hasEscape && hasBit(SLASHES, <usize>at + 1, <usize>closing))) return false;
    if (!addName(depth, name, size, <u32>(value >> 32))) return false;
    if (forSecrets) lookAtName(name, size, value);
    place += 4;
    at = load<u32>(place);
    if (at >= length || load<u8>(DOCUMENT + <usize>at) != <u8>COLON) return false;
    place += 4;
    at = load<u32>(place);
    if (at >= length) return false;
    if (depth == 1) {
      const member = result(MEMBER_COUNT);
      setResult(MEMBER_COUNT, member + 1);
      if (member < MOST_MEMBERS) {
        const entry = MEMBERS + ((<usize>member) << 4);
        store<u32>(entry, <u32>(name - DOCUMENT));
        store<u32>(entry, closing, 4);
        store<u32>(entry, at, 8);
      }
    }
  }
}
