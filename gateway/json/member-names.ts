import { foldCase } from './fold-case.ts';

/** Objects with more names than this use a Set, which is then faster than comparing each pair. */
const FEW = 12;

/** ASCII letters in lower case; other bytes as they are. */
const FOLDED = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte));

/** The member names of all objects that are open while a JSON text is read. */
type MemberNames = {
  reset(bytes: Buffer): void;
  /** Begins an object at this depth. */
  open(depth: number): void;
  /**
   * Adds a name to the innermost object: `bytes` from `start` to `end`, without its quotes. False when it is a
   * duplicate.
   */
  add(depth: number, start: number, end: number, escaped: boolean): boolean;
};

/**
 * Finds duplicate names, whatever their case, without making a string of each. ASCII names of small objects are compared
 * as bytes, in place. An object with many names, or with an escape or another letter in one, moves to a Set of decoded
 * names. So no object takes quadratic time, and `"\u0061"` equals `"a"`.
 */
export function createMemberNames(maxDepth: number): MemberNames {
  const starts = new Int32Array((maxDepth + 1) * FEW);
  const ends = new Int32Array((maxDepth + 1) * FEW);
  const hashes = new Int32Array((maxDepth + 1) * FEW);
  const counts = new Int32Array(maxDepth + 1);
  const decoded: (Set<string> | null)[] = Array.from({ length: maxDepth + 1 }, () => null);
  let bytes: Buffer = Buffer.alloc(0);

  function move(depth: number): Set<string> {
    const names = new Set<string>();
    const from = depth * FEW;
    for (let i = from; i < from + counts[depth]!; i++) names.add(foldCase(bytes.toString('utf8', starts[i], ends[i])));
    decoded[depth] = names;
    return names;
  }

  return {
    reset(next) {
      bytes = next;
    },
    open(depth) {
      counts[depth] = 0;
      decoded[depth] = null;
    },
    add(depth, start, end, escaped) {
      const count = counts[depth]!;
      let names = decoded[depth]!;
      if (names === null && !escaped && count < FEW) {
        let hash = end - start;
        let highest = 0;
        for (let i = start; i < end; i++) {
          const byte = bytes[i]!;
          highest |= byte;
          hash = (Math.imul(hash, 31) + FOLDED[byte]!) | 0;
        }
        if (highest < 0x80) {
          const from = depth * FEW;
          for (let i = from; i < from + count; i++) {
            if (hash === hashes[i] && sameName(bytes, starts[i]!, ends[i]!, start, end)) return false;
          }
          starts[from + count] = start;
          ends[from + count] = end;
          hashes[from + count] = hash;
          counts[depth] = count + 1;
          return true;
        }
      }
      names ??= move(depth);
      const raw = bytes.toString('utf8', start, end);
      const name = foldCase(escaped ? (JSON.parse(`"${raw}"`) as string) : raw);
      if (names.has(name)) return false;
      names.add(name);
      return true;
    },
  };
}

function sameName(bytes: Buffer, a: number, aEnd: number, b: number, bEnd: number): boolean {
  if (aEnd - a !== bEnd - b) return false;
  for (; a < aEnd; a++, b++) if (FOLDED[bytes[a]!] !== FOLDED[bytes[b]!]) return false;
  return true;
}
