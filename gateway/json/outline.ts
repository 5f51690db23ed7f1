import { mayHoldSecret } from '../secrets/secret.ts';
import { newNames, remember, rootMembers, scan, suspects } from './scanner/scanner.ts';

/** Where the members of a JSON object are. Whoever has it need not walk over the text again. */
export type Outline = {
  /** The object's text in UTF-8. It must not change. */
  readonly bytes: Buffer;
  /** The length of the text in UTF-16 units. */
  readonly length: number;
  /** Of each member where name and value begin and end in `bytes`, the name without its quotation marks. Names are ASCII. */
  readonly members: Uint32Array;
  /** Whether it contains no secret that `mayHoldSecret` knows. Unknown is false. */
  readonly isClean: boolean;
};

/** Bytes from which on the scanner is faster than what it saves. */
const SHORTEST = 1024;

/** The last text that was surely JSON, and its bytes. */
let lastText: string | null = null;
let lastBytes: Buffer | null = null;

/** Whether bytes are surely JSON as `validateJson` accepts it. @param text the same as text */
export function isSurelyJson(bytes: Buffer, text: string): boolean {
  const isSure = bytes.length >= SHORTEST && scan(bytes);
  lastText = isSure ? text : null;
  lastBytes = isSure ? bytes : null;
  return isSure;
}

/** The outline of a text that `validateJson` has given last; null of others, and of other JSON than objects with few members. */
export function takeOutline(text: string): Outline | null {
  const bytes = text === lastText ? lastBytes : null;
  if (bytes === null) return null;
  lastText = lastBytes = null;
  const members = rootMembers();
  return members && { bytes, length: text.length, members, isClean: isClean(bytes) };
}

function isClean(bytes: Buffer): boolean {
  const [names, values] = [newNames(), suspects()];
  if (names === null || values === null) return false;
  for (const name of names) {
    if (mayHoldSecret(`"${bytes.toString('latin1', name.start, name.end)}":`)) return false;
    remember(name);
  }
  // With what follows, which may tell the end of a name.
  return values.every(({ start, end }) => !mayHoldSecret(`:${bytes.toString('utf8', start, end)},`));
}
