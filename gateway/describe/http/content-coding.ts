import { brotliDecompress, constants, crc32, gunzip, inflate, inflateRaw, zstdDecompress, type Zlib } from 'node:zlib';
import { Problem } from '../../domain/problem.ts';
import { readAwsChunks } from './bodies/aws-chunks.ts';

type Decode = (body: Buffer, limit: number) => Promise<Buffer>;
type Decompress = (
  body: Buffer,
  options: { readonly info: true; readonly maxOutputLength: number },
  done: (error: NodeJS.ErrnoException | null, result: unknown) => void,
) => void;

/** Some systems decode twice by mistake of a client; none more often. */
const MAX_CODINGS = 3;

/** zlib decompresses on its own threads, so a worker goes on serving other calls. */
const DECODERS: Readonly<Record<string, Decode>> = {
  gzip: decodeGzip,
  'x-gzip': decodeGzip,
  // RFC 9110 section 8.4.1.2 means the zlib format; some clients send the bare stream.
  deflate: (body, limit) => decompress(isZlib(body) ? inflate : inflateRaw, 'deflate', body, limit),
  br: (body, limit) => decompress(brotliDecompress, 'br', body, limit),
  zstd: decodeZstd,
  // Datadog's name for it, which its clients send.
  zstd1: decodeZstd,
  'aws-chunked': (body) => Promise.resolve(readAwsChunks(body)),
};

/**
 * The codings of a Content-Encoding header, in the order in which the sender applied them; empty for `identity`.
 * @throws Problem `unsupported-encoding` for one that policy cannot read
 */
export function codingsOf(header: string): string[] {
  const codings = header
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim());
  if (codings.some((coding) => coding !== 'identity' && !Object.hasOwn(DECODERS, coding))) {
    throw new Problem('unsupported-encoding');
  }
  const applied = codings.filter((coding) => coding !== 'identity');
  if (applied.length > MAX_CODINGS) throw new Problem('unsupported-encoding');
  // S3 names `aws-chunked` first, although it is applied last.
  const isAws = (coding: string) => coding === 'aws-chunked';
  return [...applied.filter((coding) => !isAws(coding)), ...applied.filter(isAws)];
}

/**
 * The body without its content codings, for judging: what is sent stays as it came. No step makes more than `limit`
 * bytes, so that a decompression bomb ends early.
 * @throws Problem `body-too-large`; `bad-body` for data that decoders could read differently
 */
export async function decodeBody(body: Buffer, header: string, limit: number): Promise<Buffer> {
  let decoded = body;
  for (const coding of codingsOf(header).toReversed()) decoded = await DECODERS[coding]!(decoded, limit);
  return decoded;
}

async function decodeGzip(body: Buffer, limit: number): Promise<Buffer> {
  const decoded = await decompress(gunzip, 'gzip', body, limit);
  // Of several members, some decoders read only the first. The trailer (RFC 1952) counts the last one alone.
  const trailer = body.length - 8;
  const isOne = body.readUInt32LE(trailer) === crc32(decoded) && body.readUInt32LE(trailer + 4) === decoded.length;
  if (!isOne) throw refused('gzip', 'has several members');
  return decoded;
}

async function decodeZstd(body: Buffer, limit: number): Promise<Buffer> {
  // RFC 9659: a window over 8 MiB is not for HTTP. It would also take that much memory.
  const params = { [constants.ZSTD_d_windowLogMax]: 23 };
  const by: Decompress = (data, options, done) => zstdDecompress(data, { ...options, params }, done);
  const decoded = await decompress(by, 'zstd', body, limit);
  // Of several frames, some decoders read only the first.
  if (endOfZstdFrame(body) !== body.length) throw refused('zstd', 'has several frames');
  return decoded;
}

/** Where the first frame of valid zstd data ends (RFC 8878 section 3.1.1). */
function endOfZstdFrame(body: Buffer): number {
  const descriptor = body[4]!;
  const isSingle = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const size = [isSingle, 2, 4, 8][descriptor >> 6]!;
  let at = 5 + (1 - isSingle) + dictionary + size;
  for (let last = 0; last === 0 && at + 3 <= body.length;) {
    const block = body.readUIntLE(at, 3);
    last = block & 1;
    const isRepeatedByte = ((block >> 1) & 3) === 1;
    at += 3 + (isRepeatedByte ? 1 : block >> 3);
  }
  const checksum = (descriptor >> 2) & 1 ? 4 : 0;
  return at + checksum;
}

/** Whether data starts like the zlib format (RFC 1950 section 2.2). */
function isZlib(body: Buffer): boolean {
  return body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0;
}

function decompress(by: Decompress, coding: string, body: Buffer, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    by(body, { info: true, maxOutputLength: limit }, (error, result) => {
      if (error?.code === 'ERR_BUFFER_TOO_LARGE') {
        reject(new Problem('body-too-large', { detail: `Send a body of at most ${limit} bytes before compression.` }));
      } else if (error) {
        reject(refused(coding, 'is damaged'));
      } else {
        const { buffer, engine } = result as { buffer: Buffer; engine: Zlib };
        if (engine.bytesWritten === body.length) resolve(buffer);
        else reject(refused(coding, 'has something after its end'));
      }
    });
  });
}

function refused(coding: string, what: string): Problem {
  return new Problem('bad-body', {
    detail: `The ${coding} data of the body ${what}. Compress it again, or not at all.`,
  });
}
