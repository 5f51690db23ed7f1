/** Objects with more names than this use a Set, which is then faster than comparing each pair. */
const FEW = 12;

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
 * Finds duplicate names without making a string of each. Names of small objects are compared as bytes, in place. An
 * object with many names, or an escape in one, moves to a Set of decoded names. So no object takes quadratic time, and
 * `"\u0061"` equals `"a"`.
 */
export function createMemberNames(maxDepth: number): MemberNames {
  const starts = new Int32Array((maxDepth + 1) * FEW);
  const ends = new Int32Array((maxDepth + 1) * FEW);
  const counts = new Int32Array(maxDepth + 1);
  const decoded: (Set<string> | null)[] = Array.from({ length: maxDepth + 1 }, () => null);
  let bytes: Buffer = Buffer.alloc(0);

  function move(depth: number): Set<string> {
    const names = new Set<string>();
    const from = depth * FEW;
    for (let i = from; i < from + counts[depth]!; i++) names.add(bytes.toString('utf8', starts[i], ends[i]));
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
        const from = depth * FEW;
        for (let i = from; i < from + count; i++) {
          if (end - start === ends[i]! - starts[i]! && sameBytes(bytes, starts[i]!, start, end - start)) return false;
        }
        starts[from + count] = start;
        ends[from + count] = end;
        counts[depth] = count + 1;
        return true;
      }
      names ??= move(depth);
      const raw = bytes.toString('utf8', start, end);
      const name = escaped ? (JSON.parse(`"${raw}"`) as string) : raw;
      if (names.has(name)) return false;
      names.add(name);
      return true;
    },
  };
}

function sameBytes(bytes: Buffer, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}
