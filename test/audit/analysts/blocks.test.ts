import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compressBlocks, decompressBlocks } from '../../../audit/analysts/blocks.ts';
import { cityHash128 } from '../../../audit/analysts/city-hash.ts';
import { compress, decompress } from '../../../audit/analysts/lz4.ts';

const anyBytes = fc.oneof(
  fc.uint8Array({ maxLength: 2_000 }),
  // What repeats, near and far.
  fc
    .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 9 }), fc.nat(300)), { maxLength: 20 })
    .map((runs) => Buffer.concat(runs.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes)))),
);

test('LZ4 gives back what it was given', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      expect(decompress(compress(bytes), bytes.length).equals(bytes)).toBe(true);
    }),
  );
  const zeros = Buffer.alloc(1_000_000);
  expect(compress(zeros).length).toBeLessThan(5_000);
  expect(decompress(compress(zeros), zeros.length).equals(zeros)).toBe(true);
});

test('a damaged LZ4 block is an error, and never reaches beyond its bounds', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(1_000), (bytes, size) => {
      expect(sizeOrFault(bytes, size)).toBe(size);
    }),
  );
});

test('checksums are those that ClickHouse and its clients compute', () => {
  const sums: [number, string][] = [
    [0, '2b9ac064fc9df03d291ee592c340b53c'],
    [7, '3e03a3791ecbc12a880d3e33b91d511a'],
    [12, '6abf4d05f54f6180c0b4b73a73f7ee04'],
    [40, 'b255ca039bacec615389ad8098dbf6f6'],
    [300, 'c71cfe8493f410e71c69c26b123b990e'],
    [4_099, '4224b83085a83eeb2237cc7342adee18'],
  ];
  for (const [size, sum] of sums) {
    const bytes = Buffer.from(Array.from({ length: size }, (_, n) => (n * 7) % 251));
    expect(cityHash128(bytes).toString('hex')).toBe(sum);
  }
});

test('blocks give back what they were given, and a flipped bit is found', async () => {
  const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, n) => (n * n) % 253));
  const blocks = Buffer.concat(await Array.fromAsync(compressBlocks(bytes)));
  expect(decompressBlocks(blocks, 2 ** 20).equals(bytes)).toBe(true);
  expect(() => decompressBlocks(blocks, 1_000)).toThrow('Code: 307');
  expect(() => decompressBlocks(blocks.subarray(0, -1), 2 ** 20)).toThrow('Code: 271');
  const flipped = Buffer.from(blocks);
  flipped[flipped.length - 9]! ^= 1;
  expect(() => decompressBlocks(flipped, 2 ** 20)).toThrow('Code: 40');
});

function sizeOrFault(bytes: Uint8Array, size: number): number {
  try {
    return decompress(bytes, size).length;
  } catch (error) {
    if (error instanceof RangeError) return size;
    throw error;
  }
}
