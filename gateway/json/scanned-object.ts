import { isAscii } from 'node:buffer';
import { mayHoldSecret } from '../secrets/secret.ts';
import { newNames, PER_MEMBER, remember, rootMembers, scan, suspects } from './scanner/scanner.ts';

/** Bytes from which on the scanner is faster than what it saves. */
const SHORTEST = 1024;

/**
 * A JSON object as the scanner has read it: its bytes, and where its members are. As text, a long body would be copied
 * several times on the heap of V8, which then has to be cleared up. So the text is made only where somebody reads it.
 */
export class ScannedObject {
  /** The text in UTF-8. It must not change. */
  readonly bytes: Buffer;
  /**
   * Of each member where name and value begin and end in `bytes`, the name without its quotation marks. Names are
   * ASCII, and have no escapes.
   */
  readonly members: Uint32Array;
  /** Whether it contains no secret that `mayHoldSecret` knows. Unknown is false. */
  readonly isClean: boolean;
  #length: number | null = null;

  constructor(bytes: Buffer, members: Uint32Array, isClean: boolean) {
    this.bytes = bytes;
    this.members = members;
    this.isClean = isClean;
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** The length of the text in UTF-16 units. */
  get length(): number {
    return (this.#length ??= isAscii(this.bytes) ? this.bytes.length : this.text.length);
  }

  /** Whether it has a member of such a name. */
  hasMember(isSuch: (name: string) => boolean): boolean {
    const { bytes, members } = this;
    for (let i = 0; i < members.length; i += PER_MEMBER)
      if (isSuch(bytes.toString('latin1', members[i], members[i + 1]))) return true;
    return false;
  }
}

/** JSON that was checked, as text or as the scanner has read it. */
export type CheckedJson = string | ScannedObject;

export function jsonText(json: CheckedJson): string {
  return typeof json === 'string' ? json : json.text;
}

/** Whether bytes, which must be UTF-8, are surely JSON as `validateJson` accepts it. */
export function isSurelyJson(bytes: Buffer): boolean {
  return bytes.length >= SHORTEST && scan(bytes);
}

/** The object that `isSurelyJson` has accepted last; null if it was another value, or has many members. */
export function scannedObject(bytes: Buffer): ScannedObject | null {
  const members = rootMembers();
  return members && new ScannedObject(bytes, members, isClean(bytes));
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
