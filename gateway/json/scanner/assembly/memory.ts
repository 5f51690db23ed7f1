// The memory of the scanner. Its host knows the places that `scan.ts` exports.

/** Counts, u32 each: members of the root object, new names, suspects. */
export const RESULT: usize = 0x1000;
/** Of the root object: name's start and end, value's start and end (u32 each). */
export const MEMBERS: usize = 0x1100;
/** Names that were not known: start and end (u32 each). */
export const NEW_NAMES: usize = 0x1600;
/** Values that may contain a secret: start and end (u32 each). */
export const SUSPECTS: usize = 0x1900;
/** Written by the host: 3 groups of 8 signs, each 6 tables of 16 bytes. */
export const SIGNS: usize = 0x1b00;
/** The bytes of the document. */
export const DOCUMENT: usize = 0x60000;
/** Most bytes of a document; spaces follow it. */
export const LONGEST: u32 = 0x40000;
/** Names that are no secrets: 256 slots of length and state (u32 each) and up to 24 bytes. */
export const KNOWN: usize = 0x2000;
/** By depth: the number of the object, 0 for an array; and its names (u32 each). */
export const OBJECTS: usize = 0x4000;
/** By depth: of eight names the hash, start and length (u32 each). */
export const FIRST_NAMES: usize = 0x5000;
/** Hash table of the further names of objects: object, hash, start, length (u32 each). */
export const NAMES: usize = 0x10000;
/** A bit for each byte: in a string, its first quotation mark included. */
export const INSIDE: usize = 0xa1000;
/** A bit for each byte: something that may be a secret begins here. */
export const ALARMS: usize = 0xa9100;
/** A bit for each byte: it ends thirteen or more bytes like those of a card number. */
export const DIGITS: usize = 0xb1200;
/** A bit for each byte: a backslash. */
export const SLASHES: usize = 0xb9400;
/** Places of quotation marks, punctuation and other beginnings (u32 each). */
export const INDEX: usize = 0xc1600;

/** Room for what is found. */
export const MOST_MEMBERS: u32 = 64;
export const MOST_NEW_NAMES: u32 = 64;
export const MOST_SUSPECTS: u32 = 32;

/** What `result` and `setResult` count. */
export const MEMBER_COUNT: usize = 0;
export const NEW_NAME_COUNT: usize = 1;
export const SUSPECT_COUNT: usize = 2;

export const QUOTE: u32 = 0x22;
export const BACKSLASH: u32 = 0x5c;

export function result(at: usize): u32 {
  return load<u32>(RESULT + (at << 2));
}

export function setResult(at: usize, value: u32): void {
  store<u32>(RESULT + (at << 2), value);
}

/** Writes where something begins and ends into a list that has room for `most`, and counts it in any case. */
export function addSpan(list: usize, count: usize, most: u32, from: u32, to: u32): void {
  const index = result(count);
  if (index < most) {
    store<u32>(list + ((<usize>index) << 3), from);
    store<u32>(list + ((<usize>index) << 3), to, 4);
  }
  setResult(count, index + 1);
}

/** Whether a bit from `from` to before `to` is set. */
export function hasBit(base: usize, from: usize, to: usize): bool {
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
