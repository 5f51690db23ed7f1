import { below, bits, equal } from './blocks';
import { ALARMS, DIGITS, DOCUMENT, INSIDE, SIGNS, hasBit } from './memory';
import { hasEscape } from './places';

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
export function findSigns(length: u32): bool {
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

/** Whether a string, without its quotation marks, has a sign of a secret, or the digits of a card number. */
export function hasSign(from: usize, to: usize): bool {
  return hasBit(ALARMS, from, to) || (hasBit(DIGITS, from + 12, to) && hasCardDigits(from, to));
}
