/** LZ4 blocks (no frame): https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md */

const MIN_MATCH = 4;
/** Matches must not reach into the last bytes of a block. */
const TAIL = 12;
const HASH_BITS = 14;
const FARTHEST = 65_535;

/** Compresses one block, greedily: what repeats within 64 KiB is sent as a distance. */
export function compress(input: Uint8Array): Buffer {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const output = Buffer.allocUnsafe(input.length + Math.ceil(input.length / 255) + 16);
  const seen = new Int32Array(1 << HASH_BITS).fill(-1);
  let written = 0;
  let literal = 0;
  let at = 0;
  while (at < input.length - TAIL) {
    const four = view.getUint32(at, true);
    const slot = Math.imul(four, 2_654_435_761) >>> (32 - HASH_BITS);
    const candidate = seen[slot]!;
    seen[slot] = at;
    if (candidate < 0 || at - candidate > FARTHEST || view.getUint32(candidate, true) !== four) {
      at++;
      continue;
    }
    let length = MIN_MATCH;
    while (at + length < input.length - 5 && input[candidate + length] === input[at + length]) length++;
    writeSequence(at, length);
    output.writeUInt16LE(at - candidate, written);
    written += 2;
    writeRest(length - MIN_MATCH);
    at += length;
    literal = at;
  }
  writeSequence(input.length, MIN_MATCH);
  return output.subarray(0, written);

  function writeSequence(to: number, match: number): void {
    const literals = to - literal;
    output[written++] = (Math.min(literals, 15) << 4) | Math.min(match - MIN_MATCH, 15);
    writeRest(literals);
    output.set(input.subarray(literal, to), written);
    written += literals;
  }

  /** What does not fit into the four bits of a length. */
  function writeRest(length: number): void {
    if (length < 15) return;
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) output[written++] = 255;
    output[written++] = rest;
  }
}

/** @throws RangeError when the block is not one, or does not give `size` bytes */
export function decompress(input: Uint8Array, size: number): Buffer {
  const output = Buffer.allocUnsafe(size);
  let at = 0;
  let written = 0;
  const rest = (length: number) => {
    let sum = length;
    for (let more = length === 15 ? 255 : 0; more === 255; sum += more) {
      if (at >= input.length) throw new RangeError('The LZ4 block ends too early');
      more = input[at++]!;
    }
    return sum;
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = rest(token >> 4);
    if (at + literals > input.length || written + literals > size) throw new RangeError('The LZ4 block is damaged');
    output.set(input.subarray(at, at + literals), written);
    at += literals;
    written += literals;
    if (at === input.length) break;
    const distance = input[at]! | (input[at + 1]! << 8);
    at += 2;
    const length = rest(token & 15) + MIN_MATCH;
    if (distance === 0 || distance > written || written + length > size)
      throw new RangeError('The LZ4 block is damaged');
    // Byte by byte: a match may overlap what it writes.
    for (let end = written + length; written < end; written++) output[written] = output[written - distance]!;
  }
  if (written !== size) throw new RangeError('The LZ4 block is damaged');
  return output;
}
