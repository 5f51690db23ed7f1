// AssemblyScript, compiled to ../scan.wasm by compile.ts. In two passes (after simdjson: Langdale and Lemire, "Parsing
// Gigabytes of JSON per Second", 2019): the first finds where strings and punctuation are, 64 bytes at a time; the second
// walks these places and checks the grammar.
//
// It has to be sound, never complete. Whatever it does not accept, the careful reader decides on: every error, an escape
// or another letter than of ASCII in a name, an exponent.

// Memory. `scanner.ts` knows the first places.
export const RESULT: usize = 0x1000; // u32 each: root members, new names, suspects, whether a name may override the method
export const MEMBERS: usize = 0x1100; // of the root object: name's start and end, value's start and end (u32 each)
export const NEW_NAMES: usize = 0x1600; // start and end
export const SUSPECTS: usize = 0x1900; // start and end
export const SIGNS: usize = 0x1b00; // written by the host: 3 groups of 8 signs, each 6 tables of 16 bytes
export const DOCUMENT: usize = 0x60000;
export const LONGEST: u32 = 0x40000; // bytes of a document; spaces follow it
const KNOWN: usize = 0x2000; // names that are no secrets: 256 slots of length and state (u32 each) and up to 24 bytes
const OBJECTS: usize = 0x4000; // by depth: the number of the object, 0 for an array; and its names (u32 each)
const FIRST_NAMES: usize = 0x5000; // by depth: of eight names the hash, start and length (u32 each)
const NAMES: usize = 0x10000; // hash table of the further names of objects: object, hash, start, length (u32 each)
const INSIDE: usize = 0xa1000; // a bit for each byte: in a string, its first quotation mark included
const ALARMS: usize = 0xa9100; // a bit for each byte: something that may be a secret begins here
const DIGITS: usize = 0xb1200; // a bit for each byte: it ends thirteen or more bytes like those of a card number
const SLASHES: usize = 0xb9400; // a bit for each byte: a backslash
const INDEX: usize = 0xc1600; // places of quotation marks, punctuation and other beginnings (u32 each)

const MAX_DEPTH: u32 = 128;
const MOST_MEMBERS: u32 = 64;
const MOST_NEW_NAMES: u32 = 64;
const MOST_SUSPECTS: u32 = 32;
const LONGEST_KNOWN: u32 = 24;
const IS_KNOWN: u32 = 0xffffffff;
const FEW_NAMES: u32 = 8;
const LONGEST_NUMBER: usize = 300;
const MOST_SLOTS: u32 = 0x4000;
/** Looks for a free slot. More mean that somebody chose the names. */
const MOST_PROBES: u32 = 32;

const QUOTE: u32 = 0x22;
const COMMA: u32 = 0x2c;
const COLON: u32 = 0x3a;
const BACKSLASH: u32 = 0x5c;
const OPEN_LIST: u32 = 0x5b;
const CLOSE_LIST: u32 = 0x5d;
const OPEN_OBJECT: u32 = 0x7b;
const CLOSE_OBJECT: u32 = 0x7d;

const CASE: u64 = 0x2020202020202020;
const NOT_ASCII: u64 = 0x8080808080808080;
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

let lastObject: u32 = 0;
let hasEscape = false;
let isBad = false;

function result(at: usize): u32 {
  return load<u32>(RESULT + (at << 2));
}
function setResult(at: usize, value: u32): void {
  store<u32>(RESULT + (at << 2), value);
}

// ---- First pass

// `relaxed_swizzle` is one instruction, and alike on all machines for places below 16.

function bits(a: v128, b: v128, c: v128, d: v128): u64 {
  const low = <u64>(<u32>i8x16.bitmask(a)) | ((<u64>(<u32>i8x16.bitmask(b))) << 16);
  return low | ((<u64>(<u32>i8x16.bitmask(c))) << 32) | ((<u64>(<u32>i8x16.bitmask(d))) << 48);
}
function equal(bytes: v128, to: u32): v128 {
  return i8x16.eq(bytes, i8x16.splat(<i8>to));
}
function equals(a: v128, b: v128, c: v128, d: v128, to: u32): u64 {
  return bits(equal(a, to), equal(b, to), equal(c, to), equal(d, to));
}
function below(bytes: v128, limit: u32): v128 {
  return i8x16.lt_u(bytes, i8x16.splat(<i8>limit));
}
function isPunctuation(bytes: v128): v128 {
  // By the low half of a byte: `:` and `,` as they are, the brackets with the bit in which the two kinds differ.
  const byLow = i8x16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x3a, 0x7b, 0x2c, 0x7d, 0, 0);
  const low = v128.and(bytes, i8x16.splat(15));
  return i8x16.eq(i8x16.relaxed_swizzle(byLow, low), v128.or(bytes, i8x16.splat(0x20)));
}
function isSpace(bytes: v128): v128 {
  // By the low half of a byte: the one that is white space, or one that has another low half.
  const byLow = i8x16(0x20, 0, 0, 0, 0, 0, 0, 0, 0, 9, 10, 0, 0, 13, 0, 0);
  const wanted = i8x16.relaxed_swizzle(byLow, v128.and(bytes, i8x16.splat(15)));
  return v128.and(i8x16.eq(wanted, bytes), i8x16.ne(bytes, i8x16.splat(0)));
}

function hexDigit(code: u32): u32 {
  if (code - 0x30 < 10) return code - 0x30;
  const letter = (code | 0x20) - 0x61;
  return letter < 6 ? letter + 10 : 0xffff;
}
/** The value of four digits; at least 0x10000 if they are none. */
function codeUnit(at: usize): u32 {
  const high = (hexDigit(load<u8>(at)) << 4) | hexDigit(load<u8>(at + 1));
  const low = (hexDigit(load<u8>(at + 2)) << 4) | hexDigit(load<u8>(at + 3));
  return (high | low) > 0xff ? 0x10000 : (high << 8) | low;
}

/** The place of the second half of a surrogate pair whose first half was found. */
let expected: usize = 0;

/** Checks the escapes that begin at these backslashes of a block, in order. */
function checkEscapes(starts: u64, block: usize): void {
  for (; starts != 0; starts &= starts - 1) {
    const at = block + <usize>ctz(starts);
    const letter: u32 = load<u8>(at + 1);
    const isExpected = at == expected;
    if (expected != 0 && !isExpected && at > expected) isBad = true;
    if (letter == 0x75) {
      const unit = codeUnit(at + 2);
      if (unit > 0xffff) isBad = true;
      const isLow = unit >= 0xdc00 && unit < 0xe000;
      if (isLow != isExpected) isBad = true;
      expected = 0;
      if (unit >= 0xd800 && unit < 0xdc00) {
        // An escape must follow directly.
        if (load<u16>(at + 6) != 0x755c) isBad = true;
        expected = at + 6;
      }
    } else {
      if (isExpected) isBad = true;
      const isShort =
        letter == QUOTE ||
        letter == BACKSLASH ||
        letter == 0x2f ||
        letter == 0x62 ||
        letter == 0x66 ||
        letter == 0x6e ||
        letter == 0x72 ||
        letter == 0x74;
      if (!isShort) isBad = true;
    }
  }
}

/** Fills INSIDE and INDEX. Sets `isBad` for what JSON may not have. Returns where the index ends. */
function findPlaces(length: u32): usize {
  let end: usize = INDEX;
  let wasInside: u64 = 0;
  let wasScalar: u64 = 0;
  let isEscaped: u64 = 0;
  let wrong: u64 = 0;
  let slashes: u64 = 0;
  expected = 0;
  for (let at: usize = 0; at < <usize>length; at += 64) {
    const block = DOCUMENT + at;
    const a = v128.load(block);
    const b = v128.load(block, 16);
    const c = v128.load(block, 32);
    const d = v128.load(block, 48);
    let quotes = equals(a, b, c, d, QUOTE);
    const backslashes = equals(a, b, c, d, BACKSLASH);
    if ((backslashes | isEscaped) != 0) {
      slashes |= backslashes;
      let escaped = isEscaped;
      let starts: u64 = 0;
      isEscaped = 0;
      for (let rest = backslashes & ~escaped; rest != 0;) {
        const place = ctz(rest);
        starts |= (<u64>1) << place;
        if (place == 63) {
          isEscaped = 1;
          break;
        }
        const next: u64 = (<u64>2) << place;
        escaped |= next;
        rest &= ~next & (rest - 1);
      }
      quotes &= ~escaped;
      checkEscapes(starts, block);
    }
    let inside = quotes;
    inside ^= inside << 1;
    inside ^= inside << 2;
    inside ^= inside << 4;
    inside ^= inside << 8;
    inside ^= inside << 16;
    inside ^= inside << 32;
    inside ^= wasInside;
    wasInside = <u64>(<i64>inside >> 63);
    store<u64>(INSIDE + (at >> 3), inside);
    store<u64>(SLASHES + (at >> 3), backslashes);

    const controls = bits(below(a, 0x20), below(b, 0x20), below(c, 0x20), below(d, 0x20));
    const spaces = bits(isSpace(a), isSpace(b), isSpace(c), isSpace(d));
    wrong |= (backslashes & ~inside) | (controls & (inside | ~spaces));
    const punctuation = bits(isPunctuation(a), isPunctuation(b), isPunctuation(c), isPunctuation(d)) & ~inside;
    const scalar = ~(punctuation | spaces | inside | quotes);
    const begins = scalar & ~((scalar << 1) | wasScalar);
    wasScalar = scalar >> 63;
    let places = punctuation | quotes | begins;
    const count = <usize>popcnt(places);
    // Four at a time, as most blocks have many: what is too much is overwritten.
    for (let to = end; places != 0; to += 16) {
      store<u32>(to, <u32>(at + <usize>ctz(places)));
      places &= places - 1;
      store<u32>(to, <u32>(at + <usize>ctz(places)), 4);
      places &= places - 1;
      store<u32>(to, <u32>(at + <usize>ctz(places)), 8);
      places &= places - 1;
      store<u32>(to, <u32>(at + <usize>ctz(places)), 12);
      places &= places - 1;
    }
    end += count << 2;
  }
  hasEscape = slashes != 0;
  if (wrong != 0 || wasInside != 0 || expected != 0) isBad = true;
  // The walk may look a few places ahead.
  for (let i: usize = 0; i < 32; i += 4) store<u32>(end + i, length);
  return end;
}

// ---- Second pass, for secrets: where a sign of one begins

function low(bytes: v128): v128 {
  return v128.and(bytes, i8x16.splat(15));
}
function high(bytes: v128): v128 {
  return i8x16.shr_u(bytes, 4);
}
/** The signs of a group, a bit for each, that three bytes may be: a byte is allowed if both of its halves are. */
function group(at: usize, lows: v128, highs: v128, lows2: v128, highs2: v128, lows3: v128, highs3: v128): v128 {
  const first = v128.and(i8x16.relaxed_swizzle(v128.load(at), lows), i8x16.relaxed_swizzle(v128.load(at, 16), highs));
  const second = v128.and(
    i8x16.relaxed_swizzle(v128.load(at, 32), lows2),
    i8x16.relaxed_swizzle(v128.load(at, 48), highs2),
  );
  const third = v128.and(
    i8x16.relaxed_swizzle(v128.load(at, 64), lows3),
    i8x16.relaxed_swizzle(v128.load(at, 80), highs3),
  );
  return v128.and(v128.and(first, second), third);
}
/** Non-zero where a sign begins. */
function signsAt(at: usize): v128 {
  const a = v128.load(at);
  const b = v128.load(at, 1);
  const c = v128.load(at, 2);
  const la = low(a);
  const ha = high(a);
  const lb = low(b);
  const hb = high(b);
  const lc = low(c);
  const hc = high(c);
  const found = v128.or(
    group(SIGNS, la, ha, lb, hb, lc, hc),
    v128.or(group(SIGNS + 96, la, ha, lb, hb, lc, hc), group(SIGNS + 192, la, ha, lb, hb, lc, hc)),
  );
  return i8x16.ne(found, i8x16.splat(0));
}
/** Digits, and what may stand between those of a card number. */
function isDigitLike(bytes: v128): v128 {
  const digit = below(i8x16.sub(bytes, i8x16.splat(0x30)), 10);
  return v128.or(digit, v128.or(equal(bytes, 0x20), equal(bytes, 0x2d)));
}

/** Fills ALARMS and DIGITS. Returns whether there is anything in them. */
function findSigns(length: u32): bool {
  let any: u64 = 0;
  let was1: u64 = 0;
  let was2: u64 = 0;
  let was4: u64 = 0;
  let was8: u64 = 0;
  for (let at: usize = 0; at < <usize>length; at += 64) {
    const block = DOCUMENT + at;
    const inside = load<u64>(INSIDE + (at >> 3));
    const signs = inside & bits(signsAt(block), signsAt(block + 16), signsAt(block + 32), signsAt(block + 48));
    store<u64>(ALARMS + (at >> 3), signs);
    const run1 =
      inside &
      bits(
        isDigitLike(v128.load(block)),
        isDigitLike(v128.load(block, 16)),
        isDigitLike(v128.load(block, 32)),
        isDigitLike(v128.load(block, 48)),
      );
    // Runs of two, four, eight and thirteen end here.
    const run2 = run1 & ((run1 << 1) | (was1 >> 63));
    const run4 = run2 & ((run2 << 2) | (was2 >> 62));
    const run8 = run4 & ((run4 << 4) | (was4 >> 60));
    const run13 = run8 & ((run8 << 5) | (was8 >> 59));
    was1 = run1;
    was2 = run2;
    was4 = run4;
    was8 = run8;
    store<u64>(DIGITS + (at >> 3), run13);
    any |= signs | run13;
  }
  return any != 0;
}

/** Whether a bit from `from` to before `to` is set. */
function hasBit(base: usize, from: usize, to: usize): bool {
  if (from >= to) return false;
  const last = (to - 1) >> 6;
  let word = from >> 6;
  let found = load<u64>(base + (word << 3)) & (~(<u64>0) << (from & 63));
  while (word < last) {
    if (found != 0) return true;
    word++;
    found = load<u64>(base + (word << 3));
  }
  return (found & (~(<u64>0) >> (63 - ((to - 1) & 63)))) != 0;
}

function isLetter(code: u32): bool {
  return (code | 0x20) - 0x61 < 26;
}
/**
 * Whether 13 digits follow each other, with at most one space or dash between two, and not in the middle of an identifier.
 * Where there are escapes, what is before them may belong to one.
 */
function hasCardDigits(from: usize, to: usize): bool {
  let digits: u32 = 0;
  let gap: u32 = 0;
  for (let at = from; at < to; at++) {
    const code: u32 = load<u8>(DOCUMENT + at);
    if (code - 0x30 < 10) {
      const before: u32 = load<u8>(DOCUMENT + at - 1);
      const isWithin = !hasEscape && (before - 0x30 < 10 || isLetter(before));
      if (digits > 0 || !isWithin) digits++;
      gap = 0;
      if (digits == 13) return true;
    } else {
      gap++;
      if (gap > 1 || (code != 0x20 && code != 0x2d)) digits = 0;
    }
  }
  return false;
}

function addSuspect(from: usize, to: usize): void {
  const count = result(2);
  if (count < MOST_SUSPECTS) {
    store<u32>(SUSPECTS + ((<usize>count) << 3), <u32>from);
    store<u32>(SUSPECTS + ((<usize>count) << 3), <u32>to, 4);
  }
  setResult(2, count + 1);
}

// ---- Names

/** Whether a byte of the last name that was hashed is not of ASCII. */
let isForeign = false;

/** The first `count` bytes of a word; all of it from eight on. */
function cut(word: u64, count: usize): u64 {
  return count >= 8 ? word : word & (((<u64>1) << (count << 3)) - 1);
}
/** A hash of a name, ASCII letters in one case. Other bytes may fall together, too. */
function hash(at: usize, length: usize): u64 {
  let value: u64 = <u64>length;
  let all: u64 = 0;
  for (; length > 8; at += 8, length -= 8) {
    const word = load<u64>(at);
    all |= word;
    value = (value ^ (word | CASE)) * MULTIPLIER;
    value ^= value >> 29;
  }
  const last = cut(load<u64>(at), length);
  isForeign = ((all | last) & NOT_ASCII) != 0;
  value = (value ^ (last | CASE)) * MULTIPLIER;
  return (value ^ (value >> 29)) * MULTIPLIER;
}
/** Whether two names of one length may be the same, whatever the case of their letters. */
function mayBeSame(a: usize, b: usize, length: usize): bool {
  for (; length > 8; a += 8, b += 8, length -= 8) if ((load<u64>(a) | CASE) != (load<u64>(b) | CASE)) return false;
  return cut(load<u64>(a) | CASE, length) == cut(load<u64>(b) | CASE, length);
}
function isSame(a: usize, b: usize, length: usize): bool {
  for (; length > 8; a += 8, b += 8, length -= 8) if (load<u64>(a) != load<u64>(b)) return false;
  return cut(load<u64>(a), length) == cut(load<u64>(b), length);
}

/** Adds a name to the object at this depth. False if it may have it already, or if that takes too long to tell. */
function addName(depth: usize, at: usize, length: usize, short: u32): bool {
  const entry = OBJECTS + (depth << 3);
  const count = load<u32>(entry, 4);
  store<u32>(entry, count + 1, 4);
  const few = count < FEW_NAMES ? count : FEW_NAMES;
  let name = FIRST_NAMES + depth * 96;
  for (let i: u32 = 0; i < few; i++, name += 12)
    if (load<u32>(name) == short && load<u32>(name, 8) == <u32>length)
      if (mayBeSame(load<u32>(name, 4), at, length)) return false;
  if (count >= FEW_NAMES) return addFurtherName(load<u32>(entry), at, length, short);
  store<u32>(name, short);
  store<u32>(name, <u32>at, 4);
  store<u32>(name, <u32>length, 8);
  return true;
}
function addFurtherName(object: u32, at: usize, length: usize, short: u32): bool {
  if (free == 0) return false;
  free--;
  let slot = (short ^ (object * 0x85ebca6b)) & (slots - 1);
  for (let probe: u32 = 0; probe < MOST_PROBES; probe++, slot = (slot + 1) & (slots - 1)) {
    const entry = NAMES + ((<usize>slot) << 4);
    const owner = load<u32>(entry);
    if (owner < firstObject) {
      store<u32>(entry, object);
      store<u32>(entry, short, 4);
      store<u32>(entry, <u32>at, 8);
      store<u32>(entry, <u32>length, 12);
      return true;
    }
    if (owner == object && load<u32>(entry, 4) == short && load<u32>(entry, 12) == <u32>length)
      if (mayBeSame(load<u32>(entry, 8), at, length)) return false;
  }
  return false;
}

function knownSlot(value: u64): usize {
  return KNOWN + ((<usize>((value >> 24) & 0xff)) << 5);
}
function isInSlot(slot: usize, at: usize, length: usize): bool {
  return load<u32>(slot) == <u32>length && isSame(slot + 8, at, length);
}
/** Reports a name once, unless it is known. */
function lookAtName(at: usize, length: usize, value: u64): void {
  if (length <= <usize>LONGEST_KNOWN) {
    const slot = knownSlot(value);
    const state = load<u32>(slot, 4);
    // The state of a name that was reported is the first object of its document.
    if (state == IS_KNOWN || state == firstObject) {
      if (isInSlot(slot, at, length)) return;
    }
    if (state != firstObject) {
      store<u32>(slot, <u32>length);
      store<u32>(slot, firstObject, 4);
      memory.copy(slot + 8, at, length);
    }
  }
  const count = result(1);
  if (count < MOST_NEW_NAMES) {
    store<u32>(NEW_NAMES + ((<usize>count) << 3), <u32>(at - DOCUMENT));
    store<u32>(NEW_NAMES + ((<usize>count) << 3), <u32>(at - DOCUMENT + length), 4);
  }
  setResult(1, count + 1);
}
/** Remembers that a name of this document is no secret. */
export function know(from: u32, to: u32): void {
  const at = DOCUMENT + <usize>from;
  const length = <usize>(to - from);
  if (length > <usize>LONGEST_KNOWN) return;
  const slot = knownSlot(hash(at, length));
  if (isInSlot(slot, at, length)) store<u32>(slot, IS_KNOWN, 4);
}

// ---- The walk

/** The number of the first object of this document; those of earlier documents are smaller. */
let firstObject: u32 = 1;
/** Slots of the hash table that this document uses, and how many of them may still be taken. */
let slots: u32 = 0;
let free: u32 = 0;

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
function mayOverrideMethod(at: usize, length: usize): bool {
  const first: u32 = load<u8>(at);
  return length >= 7 && length <= 22 && (first == 0x5f || first == 0x24 || (first | 0x20) == 0x78);
}

/**
 * Whether the document of `length` bytes at DOCUMENT, which must be UTF-8, is surely JSON as `validateJson` accepts it.
 * @param forSecrets whether to look for what may be a secret
 */
export function scan(length: u32, forSecrets: bool): bool {
  for (let i: usize = 0; i < 4; i++) setResult(i, 0);
  // The numbers of objects begin again before they are used up.
  if (lastObject > 0xfff00000) {
    memory.fill(NAMES, 0, (<usize>MOST_SLOTS) << 4);
    // Its slots name documents by the same numbers.
    memory.fill(KNOWN, 0, 0x2000);
    lastObject = 0;
  }
  firstObject = lastObject + 1;
  for (let i: usize = 0; i < 80; i += 16) v128.store(DOCUMENT + <usize>length + i, i8x16.splat(0x20));
  isBad = false;
  findPlaces(length);
  if (isBad) return false;
  const hasSigns = forSecrets && findSigns(length);
  slots = 64;
  while (slots < length >> 3 && slots < MOST_SLOTS) slots <<= 1;
  free = slots - (slots >> 2);

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
      if (hasSigns) {
        const from = <usize>at + 1;
        const to = <usize>closing;
        const isCard = hasBit(DIGITS, from + 12, to) && hasCardDigits(from, to);
        if (isCard || hasBit(ALARMS, from, to)) addSuspect(<usize>at, <usize>end);
      }
    } else if (code == OPEN_OBJECT || code == OPEN_LIST) {
      if (depth == <usize>MAX_DEPTH) return false;
      depth++;
      object = code == OPEN_OBJECT ? ++lastObject : 0;
      store<u32>(OBJECTS + (depth << 3), object);
      store<u32>(OBJECTS + (depth << 3), 0, 4);
      place += 4;
      at = load<u32>(place);
      if (at >= length) return false;
      if (<u32>load<u8>(DOCUMENT + <usize>at) == code + 2) {
        end = at + 1;
        depth--;
        object = load<u32>(OBJECTS + (depth << 3));
      } else if (object != 0) isName = true;
      else continue;
    } else {
      const from = DOCUMENT + <usize>at;
      const stop = code == 0x2d || code - 0x30 < 10 ? numberEnd(from) : literalEnd(from);
      if (stop == 0) return false;
      end = <u32>(stop - DOCUMENT);
      if (forSecrets && end - at >= 13) addSuspect(<usize>at, <usize>end);
    }

    if (!isName) {
      // A value has ended: close what ends with it, until another value follows or the document ends.
      for (;;) {
        if (depth == 1 && object != 0) {
          const member = result(0) - 1;
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
        object = load<u32>(OBJECTS + (depth << 3));
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
    if (depth == 1 && mayOverrideMethod(name, size)) setResult(3, 1);
    place += 4;
    at = load<u32>(place);
    if (at >= length || load<u8>(DOCUMENT + <usize>at) != <u8>COLON) return false;
    place += 4;
    at = load<u32>(place);
    if (at >= length) return false;
    if (depth == 1) {
      const member = result(0);
      setResult(0, member + 1);
      if (member < MOST_MEMBERS) {
        const entry = MEMBERS + ((<usize>member) << 4);
        store<u32>(entry, <u32>(name - DOCUMENT));
        store<u32>(entry, closing, 4);
        store<u32>(entry, at, 8);
      }
    }
  }
}
