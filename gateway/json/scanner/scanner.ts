import { readFileSync } from 'node:fs';
import { signTables } from '../../secrets/signs.ts';

/** From one byte to before another. */
export type Span = { readonly start: number; readonly end: number };

type Exports = {
  readonly memory: WebAssembly.Memory;
  scan(length: number, forSecrets: number): number;
  know(start: number, end: number): void;
} & Record<Constant, { readonly value: number }>;

/** Places, in bytes, and limits of the scanner: see `assembly/memory.ts`. */
type Constant =
  | 'RESULT'
  | 'MEMBERS'
  | 'NEW_NAMES'
  | 'SUSPECTS'
  | 'SIGNS'
  | 'DOCUMENT'
  | 'LONGEST'
  | 'MOST_MEMBERS'
  | 'MOST_NEW_NAMES'
  | 'MOST_SUSPECTS';

/** Most bytes of a document in which secrets are looked for: no longer input is recorded. */
const LONGEST_FOR_SECRETS = 64 * 1024;
/** Numbers that tell of a root member: where name and value begin and end. */
export const PER_MEMBER = 4;

const module = new WebAssembly.Module(readFileSync(new URL('scan.wasm', import.meta.url)));
const exports = new WebAssembly.Instance(module, { env: { abort } }).exports as unknown as Exports;
const bytes = new Uint8Array(exports.memory.buffer);
const words = new Uint32Array(exports.memory.buffer);
const DOCUMENT = exports.DOCUMENT.value;
const LONGEST = exports.LONGEST.value;
const MOST_MEMBERS = exports.MOST_MEMBERS.value;
const MOST_NEW_NAMES = exports.MOST_NEW_NAMES.value;
const MOST_SUSPECTS = exports.MOST_SUSPECTS.value;
const [RESULT, MEMBERS, NEW_NAMES, SUSPECTS] = [
  exports.RESULT,
  exports.MEMBERS,
  exports.NEW_NAMES,
  exports.SUSPECTS,
].map(({ value }) => value / 4) as [number, number, number, number];
bytes.set(signTables(), exports.SIGNS.value);

let lookedForSecrets = false;

/**
 * Whether bytes, which must be UTF-8, are surely JSON as `validateJson` accepts it; false if that is not sure. What it found
 * on the way can be asked for until the next scan.
 */
export function scan(document: Buffer): boolean {
  if (document.length > LONGEST) return false;
  bytes.set(document, DOCUMENT);
  lookedForSecrets = document.length <= LONGEST_FOR_SECRETS;
  return exports.scan(document.length, lookedForSecrets ? 1 : 0) !== 0;
}

/**
 * The members of the document's object, in order: where name and value begin and end, the name without its quotation marks.
 * Null if it is not an object, or has more than 64.
 */
export function rootMembers(): Uint32Array | null {
  const count = words[RESULT]!;
  return count > 0 && count <= MOST_MEMBERS ? words.slice(MEMBERS, MEMBERS + count * PER_MEMBER) : null;
}

/** Names, without their quotation marks, that were not remembered; null if there are too many, or none were looked for. */
export function newNames(): readonly Span[] | null {
  return spans(NEW_NAMES, words[RESULT + 1]!, MOST_NEW_NAMES);
}

/** Remembers that a name of the last document tells of no secret. */
export function remember({ start, end }: Span): void {
  exports.know(start, end);
}

/** Values, strings with their quotation marks, that may contain a secret; null if there are too many, or none were looked for. */
export function suspects(): readonly Span[] | null {
  return spans(SUSPECTS, words[RESULT + 2]!, MOST_SUSPECTS);
}

const NONE: readonly Span[] = [];

function spans(at: number, count: number, most: number): readonly Span[] | null {
  if (!lookedForSecrets || count > most) return null;
  if (count === 0) return NONE;
  return Array.from({ length: count }, (_, i) => ({ start: words[at + 2 * i]!, end: words[at + 2 * i + 1]! }));
}

function abort(): never {
  throw new Error('the scanner of JSON failed');
}
