import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { ANSWER_LIMIT } from './answer-sample.ts';

/** Decompression bomb: decoding fails beyond this size, so that a small answer cannot fill the memory. */
const options = { maxOutputLength: ANSWER_LIMIT };

const DECODERS: Readonly<Record<string, (body: Buffer) => Promise<Buffer>>> = {
  gzip: (body) => promisify(gunzip)(body, options),
  'x-gzip': (body) => promisify(gunzip)(body, options),
  // RFC 9110 means the zlib format; some servers send the bare stream.
  deflate: (body) => promisify(((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw)(body, options),
  br: (body) => promisify(brotliDecompress)(body, options),
  zstd: (body) => promisify(zstdDecompress)(body, options),
};

/**
 * The text of a body in UTF-8, decompressed on another thread. Null when it cannot be read: the coding is unknown, or
 * the body is damaged or too large.
 */
export async function textOf(body: Buffer, contentEncoding: string | null): Promise<string | null> {
  const coding = contentEncoding?.trim().toLowerCase() ?? 'identity';
  const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
  if (!decode && coding !== 'identity' && coding !== '') return null;
  try {
    const bytes = decode ? await decode(body) : body;
    return new TextDecoder().decode(bytes);
  } catch {
    return null;
  }
}
