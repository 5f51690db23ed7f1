import {
  DOCUMENT,
  FIRST_NAMES,
  KNOWN,
  MOST_NEW_NAMES,
  NAMES,
  NEW_NAMES,
  NEW_NAME_COUNT,
  OBJECTS,
  addSpan,
} from './memory';

const CASE: u64 = 0x2020202020202020;
const NOT_ASCII: u64 = 0x8080808080808080;
const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

/** Names of an object that are compared one by one. */
const FEW_NAMES: u32 = 8;
const MOST_SLOTS: u32 = 0x4000;
/** Looks for a free slot. More mean that somebody chose the names. */
const MOST_PROBES: u32 = 32;
const KNOWN_SLOTS: usize = 256;
const LONGEST_KNOWN: u32 = 24;
const IS_KNOWN: u32 = 0xffffffff;

/** The number of the first object of this document; those of earlier documents are smaller. */
let firstObject: u32 = 1;
let lastObject: u32 = 0;
/** Slots of the hash table that this document uses, and how many of them may still be taken. */
let slots: u32 = 0;
let free: u32 = 0;

/** Begins a document of so many bytes. */
export function beginNames(length: u32): void {
  // The numbers of objects begin again before they are used up.
  if (lastObject > 0xfff00000) {
    memory.fill(NAMES, 0, (<usize>MOST_SLOTS) << 4);
    // Its slots name documents by the same numbers.
    memory.fill(KNOWN, 0, KNOWN_SLOTS << 5);
    lastObject = 0;
  }
  firstObject = lastObject + 1;
  slots = 64;
  while (slots < length >> 3 && slots < MOST_SLOTS) slots <<= 1;
  free = slots - (slots >> 2);
}

/** Begins an object, or an array, at a depth. Gives its number: 0 for an array. */
export function begin(depth: usize, isObject: bool): u32 {
  const object = isObject ? ++lastObject : 0;
  store<u32>(OBJECTS + (depth << 3), object);
  store<u32>(OBJECTS + (depth << 3), 0, 4);
  return object;
}
/** The number of the object at a depth; 0 for an array. */
export function objectAt(depth: usize): u32 {
  return load<u32>(OBJECTS + (depth << 3));
}

/** Whether a byte of the last name that was hashed is not of ASCII. */
export let isForeign = false;

/** The first `count` bytes of a word; all of it from eight on. */
function cut(word: u64, count: usize): u64 {
  return count >= 8 ? word : word & (((<u64>1) << (count << 3)) - 1);
}

/** A hash of a name, ASCII letters in one case. Other bytes may fall together, too. */
export function hash(at: usize, length: usize): u64 {
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
export function addName(depth: usize, at: usize, length: usize, short: u32): bool {
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
  return KNOWN + ((<usize>(value >> 24) & (KNOWN_SLOTS - 1)) << 5);
}

function isInSlot(slot: usize, at: usize, length: usize): bool {
  return load<u32>(slot) == <u32>length && isSame(slot + 8, at, length);
}

/** Reports a name once, unless it is known. */
export function lookAtName(at: usize, length: usize, value: u64): void {
  if (length <= <usize>LONGEST_KNOWN) {
    const slot = knownSlot(value);
    const state = load<u32>(slot, 4);
    // The state of a name that was reported is the first object of its document.
    if ((state == IS_KNOWN || state == firstObject) && isInSlot(slot, at, length)) return;
    if (state != firstObject) {
      store<u32>(slot, <u32>length);
      store<u32>(slot, firstObject, 4);
      memory.copy(slot + 8, at, length);
    }
  }
  const from = <u32>(at - DOCUMENT);
  addSpan(NEW_NAMES, NEW_NAME_COUNT, MOST_NEW_NAMES, from, from + <u32>length);
}

/** Remembers that a name of this document is no secret. */
export function know(from: u32, to: u32): void {
  const at = DOCUMENT + <usize>from;
  const length = <usize>(to - from);
  if (length > <usize>LONGEST_KNOWN) return;
  const slot = knownSlot(hash(at, length));
  if (isInSlot(slot, at, length)) store<u32>(slot, IS_KNOWN, 4);
}
