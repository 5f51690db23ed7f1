import { Problem } from '../../../domain/problem.ts';

const CRLF = Buffer.from('\r\n');
const MAX_LINE = 1024;
/** Size in hexadecimal, and the chunk's signature if the client signs. */
const CHUNK = /^([0-9a-f]{1,8})(?:;chunk-signature=[0-9a-f]{1,128})?$/i;
const TRAILER = /^x-amz-[a-z0-9-]+:[\x21-\x7e]+$/i;

/**
 * The data of a body in chunks as S3's SDKs send it (`Content-Encoding: aws-chunked`), without sizes, signatures and
 * trailing checksums. The system checks those.
 * @throws Problem `bad-body`
 */
export function readAwsChunks(body: Buffer): Buffer {
  const chunks: Buffer[] = [];
  let at = 0;
  const line = (): string => {
    const end = body.subarray(at, at + MAX_LINE).indexOf(CRLF);
    if (end === -1) throw refused();
    const text = body.toString('latin1', at, at + end);
    at += end + 2;
    return text;
  };
  for (;;) {
    const match = CHUNK.exec(line());
    if (match === null) throw refused();
    const size = Number.parseInt(match[1]!, 16);
    if (size === 0) break;
    const end = at + size;
    if (!body.subarray(end, end + 2).equals(CRLF)) throw refused();
    chunks.push(body.subarray(at, end));
    at = end + 2;
  }
  for (let trailer = line(); trailer !== ''; trailer = line()) if (!TRAILER.test(trailer)) throw refused();
  if (at !== body.length) throw refused();
  return Buffer.concat(chunks);
}

function refused(): Problem {
  return new Problem('bad-body', {
    detail: 'The body is not in chunks as Content-Encoding: aws-chunked says. Send it again with an AWS SDK, or whole.',
  });
}
