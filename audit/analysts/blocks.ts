import { zstdDecompressSync } from 'node:zlib';
import { cityHash128 } from './city-hash.ts';
import { ServerException } from './exception.ts';
import { compress, decompress } from './lz4.ts';

/**
 * ClickHouse's own compression (`compress=1`, `decompress=1`), which is not HTTP's: blocks of checksum (16 bytes,
 * CityHash128 of the rest), method, size of method and data (u32 LE, with these 9 bytes), size of the plain data
 * (u32 LE), data.
 */
const CHECKSUM = 16;
const HEADER = 9;
const METHODS = { none: 0x02, lz4: 0x82, zstd: 0x90 } as const;
/** Small enough that the inserts' requests are heard in between. */
const BLOCK = 256 * 1024;

/** The bytes as blocks. Lets others run between two of them. */
export async function* compressBlocks(plain: Uint8Array): AsyncGenerator<Buffer> {
  for (let at = 0; at < plain.length; at += BLOCK) {
    yield compressBlock(plain.subarray(at, at + BLOCK));
    await new Promise(setImmediate);
  }
}

function compressBlock(plain: Uint8Array): Buffer {
  const data = compress(plain);
  const block = Buffer.allocUnsafe(CHECKSUM + HEADER + data.length);
  block[CHECKSUM] = METHODS.lz4;
  block.writeUInt32LE(HEADER + data.length, CHECKSUM + 1);
  block.writeUInt32LE(plain.length, CHECKSUM + 5);
  data.copy(block, CHECKSUM + HEADER);
  cityHash128(block.subarray(CHECKSUM)).copy(block);
  return block;
}

/**
 * The plain bytes of some blocks.
 * @param limit bytes at most
 * @throws ServerException when a block is damaged, of an unknown method, or they are too many bytes
 */
export function decompressBlocks(input: Buffer, limit: number): Buffer {
  const parts: Buffer[] = [];
  let total = 0;
  for (let at = 0; at < input.length;) {
    const start = at + CHECKSUM;
    const size = input.length < start + HEADER ? 0 : input.readUInt32LE(start + 1);
    if (size < HEADER || start + size > input.length) throw damaged('A compressed block ends too early');
    const block = input.subarray(start, start + size);
    if (!cityHash128(block).equals(input.subarray(at, start))) {
      throw new ServerException(40, 'CHECKSUM_DOESNT_MATCH', "Checksum doesn't match: corrupted data.");
    }
    const plain = block.readUInt32LE(5);
    total += plain;
    if (total > limit) throw new ServerException(307, 'TOO_MANY_BYTES', `More than ${limit} bytes.`);
    parts.push(decompressBlock(block[0]!, block.subarray(HEADER), plain));
    at = start + size;
  }
  return Buffer.concat(parts);
}

function decompressBlock(method: number, data: Buffer, size: number): Buffer {
  try {
    if (method === METHODS.none && data.length === size) return data;
    if (method === METHODS.lz4) return decompress(data, size);
    if (method === METHODS.zstd) return zstdDecompressSync(data, { maxOutputLength: size });
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error));
  }
  throw new ServerException(89, 'UNKNOWN_COMPRESSION_METHOD', `Unknown compression method: ${method}.`);
}

function damaged(text: string): ServerException {
  return new ServerException(271, 'CANNOT_DECOMPRESS', text);
}
