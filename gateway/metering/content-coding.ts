import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { ANSWER_LIMIT } from './answer-sample.ts';

/** What a small answer blows up to must not fill the memory (decompression bomb): beyond this, decoding fails. */
const options = { maxOutputLength: ANSWER_LIMIT };

const DECODERS: Readonly<Record<string, (body: Buffer) => Promise<Buffer>>> = {
  gzip: (body) => promisify(gunzip)(body, options),
  'x-gzip': (body) => promisify(gunzip)(body, options),
  // RFC 9110 means zlib's format by it; some servers send the bare stream.
  deflate: (body) => promisify(((body[0] ?? 0) & 0x0f) === 8 ? inflate : inflateRaw)(body, options),
  br: (body) => promisify(brotliDecompress)(body, options),
  zstd: (body) => promisify(zstdDecompress)(body, options),
};

/**
 * The text of a body in UTF-8, its content coding undone on another thread; null when it cannot be read: in a coding
 * that is unknown here, damaged, or too large.
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
