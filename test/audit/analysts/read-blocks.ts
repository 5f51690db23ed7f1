import { expect } from 'vitest';
import { uncompressSync } from 'lz4-napi';
import { cityHash128 } from '../../../audit/analysts/city-hash.ts';

/** The plain bytes of ClickHouse's compressed blocks, as a client reads them: every checksum is compared. */
export function readBlocks(input: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const checksum = input.subarray(at, at + 16);
    const end = at + 16 + input.readUInt32LE(at + 17);
    const block = input.subarray(at + 16, end);
    expect(cityHash128(block)).toEqual(checksum);
    expect(block[0]).toBe(0x82);
    // lz4-napi wants the size of the plain data before the data, and so it stands in the block.
    parts.push(uncompressSync(block.subarray(5)));
    at = end;
  }
  return Buffer.concat(parts);
}
