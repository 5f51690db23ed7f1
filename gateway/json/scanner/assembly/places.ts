import { below, bits, equal } from './blocks';
import { BACKSLASH, DOCUMENT, INDEX, INSIDE, QUOTE, SLASHES } from './memory';

/** Whether the document has a backslash. */
export let hasEscape = false;
let isBad = false;

function equals(a: v128, b: v128, c: v128, d: v128, to: u32): u64 {
  return bits(equal(a, to), equal(b, to), equal(c, to), equal(d, to));
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

/** Fills INSIDE, SLASHES and INDEX. False if the document has what JSON may not have. */
export function findPlaces(length: u32): bool {
  isBad = false;
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
  // The walk may look a few places ahead.
  for (let i: usize = 0; i < 32; i += 4) store<u32>(end + i, length);
  return !isBad && wrong == 0 && wasInside == 0 && expected == 0;
}
