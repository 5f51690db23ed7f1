import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { createZstdCompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { ServerException } from './exception.ts';

/** HTTP's content codings, in ClickHouse's order of preference. Levels favour speed. */
const ENCODERS: Readonly<Record<string, () => Transform>> = {
  zstd: () => createZstdCompress(),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 3 } }),
  gzip: () => createGzip({ level: 3 }),
  deflate: () => createDeflate({ level: 3 }),
};

const DECODERS = {
  zstd: promisify(zstdDecompress),
  br: promisify(brotliDecompress),
  gzip: promisify(gunzip),
  deflate: promisify(inflate),
} as const;

/** The coding that the client prefers (RFC 9110, Accept-Encoding); among equals, the one that ClickHouse prefers. */
export function chooseEncoding(accepted: string): { name: string; create: () => Transform } | null {
  const qualities = new Map(
    accepted.split(',').map((one) => {
      const [name = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
      const q = parameters.find((parameter) => parameter.startsWith('q='));
      return [name, q === undefined ? 1 : Number(q.slice(2))];
    }),
  );
  const quality = (name: string) => qualities.get(name) ?? qualities.get('*') ?? 0;
  const [best] = Object.entries(ENCODERS)
    .filter(([name]) => quality(name) > 0)
    .sort(([a], [b]) => quality(b) - quality(a));
  return best ? { name: best[0], create: best[1] } : null;
}

/**
 * The plain bytes of a request's body.
 * @param limit bytes at most
 * @throws ServerException for an unknown coding, damaged data or too many bytes
 */
export async function decode(body: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity' || encoding === '') return body;
  const decoder = Object.hasOwn(DECODERS, encoding) && DECODERS[encoding as keyof typeof DECODERS];
  if (!decoder) throw new ServerException(48, 'NOT_IMPLEMENTED', `Unknown compression method '${encoding}'.`);
  try {
    return await decoder(body, { maxOutputLength: limit });
  } catch (error) {
    throw new ServerException(271, 'CANNOT_DECOMPRESS', `Cannot decompress the request: ${String(error)}`, {
      status: 400,
    });
  }
}
