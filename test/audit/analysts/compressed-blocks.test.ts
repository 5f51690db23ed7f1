import { expect, test } from 'vitest';
import { cityHash128 } from '../../../audit/analysts/city-hash.ts';
import { compressBlocks } from '../../../audit/analysts/compressed-blocks.ts';
import { readBlocks } from './read-blocks.ts';

test('CityHash128 gives the checksums that ClickHouse and its clients compute', () => {
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

test('an answer in compressed blocks is read back as it was, and repetitive data becomes smaller', async () => {
  const compressed = async (bytes: Buffer) => Buffer.concat(await Array.fromAsync(compressBlocks(bytes)));
  const bytes = Buffer.from(Array.from({ length: 600_000 }, (_, n) => (n * n) % 253));
  expect(readBlocks(await compressed(bytes)).equals(bytes)).toBe(true);
  const zeros = Buffer.alloc(1_000_000);
  const small = await compressed(zeros);
  expect(small.length).toBeLessThan(5_000);
  expect(readBlocks(small).equals(zeros)).toBe(true);
});
