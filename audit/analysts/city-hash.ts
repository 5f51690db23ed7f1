/**
 * CityHash128 of version 1.0.2, the checksum of ClickHouse's compressed blocks; later versions of CityHash give other values.
 * Numbers are unsigned 64-bit and wrap.
 * @see https://github.com/google/cityhash
 */

const K0 = 0xc3a5c85c97cb3127n;
const K1 = 0xb492b66fbe98f273n;
const K2 = 0x9ae16a3b2f90404fn;
const K3 = 0xc949d7c7509e6557n;
const MIX = 0x9ddfea08eb382d69n;
const MASK = 2n ** 64n - 1n;

type Pair = readonly [bigint, bigint];

/** Modulo 2⁶⁴, also below zero. */
const wrap = (value: bigint) => value & MASK;
const rotate = (value: bigint, by: bigint) => (value >> by) | ((value << (64n - by)) & MASK);
const shiftMix = (value: bigint) => value ^ (value >> 47n);

function mix(u: bigint, v: bigint): bigint {
  const a = shiftMix(wrap((u ^ v) * MIX));
  return wrap(shiftMix(wrap((v ^ a) * MIX)) * MIX);
}

/** @returns 16 bytes, in the order in which they precede a block */
export function cityHash128(bytes: Uint8Array): Buffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.byteLength;
  const sum =
    size >= 16
      ? seeded(view, 16, view.getBigUint64(0, true) ^ K3, view.getBigUint64(8, true))
      : size >= 8
        ? seeded(
            new DataView(new ArrayBuffer(0)),
            0,
            view.getBigUint64(0, true) ^ wrap(BigInt(size) * K0),
            view.getBigUint64(size - 8, true) ^ K1,
          )
        : seeded(view, 0, K0, K1);
  const checksum = Buffer.allocUnsafe(16);
  checksum.writeBigUInt64LE(sum[0], 0);
  checksum.writeBigUInt64LE(sum[1], 8);
  return checksum;
}

function seeded(view: DataView, start: number, low: bigint, high: bigint): Pair {
  const size = view.byteLength - start;
  if (size < 128) return murmur(view, start, low, high);
  const at = (offset: number) => view.getBigUint64(offset, true);
  let x = low;
  let y = high;
  let z = wrap(BigInt(size) * K1);
  const v0 = wrap(rotate(y ^ K1, 49n) * K1 + at(start));
  let v: Pair = [v0, wrap(rotate(v0, 42n) * K1 + at(start + 8))];
  let w: Pair = [wrap(rotate(wrap(y + z), 35n) * K1 + x), wrap(rotate(wrap(x + at(start + 88)), 53n) * K1)];
  let s = start;
  let left = size;
  while (left >= 128) {
    for (let half = 0; half < 2; half++) {
      x = wrap(rotate(wrap(x + y + v[0] + at(s + 16)), 37n) * K1) ^ w[1];
      y = wrap(rotate(wrap(y + v[1] + at(s + 48)), 42n) * K1) ^ v[0];
      z = rotate(z ^ w[0], 33n);
      v = weak(view, s, wrap(v[1] * K1), wrap(x + w[0]));
      w = weak(view, s + 32, wrap(z + w[1]), y);
      [x, z] = [z, x];
      s += 64;
    }
    left -= 128;
  }
  y = wrap(y + rotate(w[0], 37n) * K0 + z);
  x = wrap(x + rotate(wrap(v[0] + z), 49n) * K0);
  const end = s + left;
  for (let done = 32; done < left + 32; done += 32) {
    y = wrap(rotate(wrap(y - x), 42n) * K0 + v[1]);
    w = [wrap(w[0] + at(end - done + 16)), w[1]];
    x = wrap(rotate(x, 49n) * K0 + w[0]);
    w = [wrap(w[0] + v[0]), w[1]];
    v = weak(view, end - done, v[0], v[1]);
  }
  x = mix(x, v[0]);
  y = mix(y, w[0]);
  return [wrap(mix(wrap(x + v[1]), w[1]) + y), mix(wrap(x + w[1]), wrap(y + v[1]))];
}

function weak(view: DataView, offset: number, seedA: bigint, seedB: bigint): Pair {
  const w = view.getBigUint64(offset, true);
  const x = view.getBigUint64(offset + 8, true);
  const y = view.getBigUint64(offset + 16, true);
  const z = view.getBigUint64(offset + 24, true);
  const first = wrap(seedA + w);
  const b = rotate(wrap(seedB + first + z), 21n);
  const a = wrap(first + x + y);
  return [wrap(a + z), wrap(b + rotate(a, 44n) + first)];
}

function murmur(view: DataView, start: number, low: bigint, high: bigint): Pair {
  const size = view.byteLength - start;
  const at = (offset: number) => view.getBigUint64(offset, true);
  let a = low;
  let b = high;
  let c: bigint;
  let d: bigint;
  if (size <= 16) {
    a = wrap(shiftMix(wrap(a * K1)) * K1);
    c = wrap(b * K1 + short(view, start));
    d = shiftMix(wrap(a + (size >= 8 ? at(start) : c)));
  } else {
    c = mix(wrap(at(start + size - 8) + K1), a);
    d = mix(wrap(b + BigInt(size)), wrap(c + at(start + size - 16)));
    a = wrap(a + d);
    for (let s = start, left = size - 16; left > 0; s += 16, left -= 16) {
      a = wrap((a ^ wrap(shiftMix(wrap(at(s) * K1)) * K1)) * K1);
      b ^= a;
      c = wrap((c ^ wrap(shiftMix(wrap(at(s + 8) * K1)) * K1)) * K1);
      d ^= c;
    }
  }
  a = mix(a, c);
  b = mix(d, b);
  return [a ^ b, mix(b, a)];
}

/** For at most 16 bytes. */
function short(view: DataView, start: number): bigint {
  const size = view.byteLength - start;
  const length = BigInt(size);
  if (size > 8) {
    const b = view.getBigUint64(start + size - 8, true);
    return mix(view.getBigUint64(start, true), rotate(wrap(b + length), length)) ^ b;
  }
  if (size >= 4) {
    const a = BigInt(view.getUint32(start, true));
    return mix(length + (a << 3n), BigInt(view.getUint32(start + size - 4, true)));
  }
  if (size === 0) return K2;
  const y = BigInt(view.getUint8(start) + (view.getUint8(start + (size >> 1)) << 8));
  const z = BigInt(size + (view.getUint8(start + size - 1) << 2));
  return wrap(shiftMix(wrap(y * K2) ^ wrap(z * K3)) * K2);
}
