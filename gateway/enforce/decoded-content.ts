import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';

/**
 * A body without its content coding; null if the coding is unknown or the body damaged, or larger than `limit`. Only
 * small bodies come here, for which another thread would take longer.
 */
export function decodeContent(body: Buffer, contentEncoding: string | null, limit: number): Buffer | null {
  // Decompression bomb: decoding fails beyond the limit.
  const options = { maxOutputLength: limit };
  try {
    switch (contentEncoding?.trim().toLowerCase() ?? '') {
      case '':
      case 'identity':
        return body;
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(body, options);
      case 'deflate':
        // RFC 9110 means the zlib format; some servers send the bare stream.
        return ((body[0] ?? 0) & 0x0f) === 8 ? inflateSync(body, options) : inflateRawSync(body, options);
      case 'br':
        return brotliDecompressSync(body, options);
      case 'zstd':
        return zstdDecompressSync(body, options);
      default:
        return null;
    }
  } catch {
    return null;
  }
}
