import { compress } from 'lz4-napi';
import { cityHash128 } from './city-hash.ts';

/**
 * ClickHouse's own compression of answers (`compress=1`), which is not HTTP's. The JDBC driver asks for it by default and
 * reads nothing else. A block is a checksum (16 bytes, CityHash128 of the rest), the method, the size of method, sizes and
 * data (u32 LE), the size of the plain data (u32 LE), and the data.
 */
const CHECKSUM = 16;
const HEADER = 9;
const LZ4 = 0x82;
/** The size that lz4-napi writes before its data. */
const SIZE_PREFIX = 4;
/** Small enough that the engine's own endpoint is served between two blocks. */
const BLOCK = 256 * 1024;

/** Compresses an answer, block by block. */
export async function* compressBlocks(plain: Uint8Array): AsyncGenerator<Buffer> {
  for (let at = 0; at < plain.length; at += BLOCK) yield await compressBlock(plain.subarray(at, at + BLOCK));
}

async function compressBlock(plain: Uint8Array): Promise<Buffer> {
  const data = (await compress(plain)).subarray(SIZE_PREFIX);
  const block = Buffer.allocUnsafe(CHECKSUM + HEADER + data.length);
  block[CHECKSUM] = LZ4;
  block.writeUInt32LE(HEADER + data.length, CHECKSUM + 1);
  block.writeUInt32LE(plain.length, CHECKSUM + 5);
  data.copy(block, CHECKSUM + HEADER);
  cityHash128(block.subarray(CHECKSUM)).copy(block);
  return block;
}

/** Whether a request asks for an answer in compressed blocks (`compress=1`). */
export function asksForBlocks(search: URLSearchParams | undefined): boolean {
  return search?.get('compress') === '1';
}
