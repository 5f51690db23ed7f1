import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { asksForBlocks, compressBlocks } from './compressed-blocks.ts';
import { chooseEncoding } from './encoding.ts';
import { reviseNative } from './native.ts';

/** Milliseconds after which a client that reads nothing is cut off: its result occupies memory and a query slot. */
const READER_LIMIT = 30_000;
const SLICE = 64 * 1024;

/** Sends a result in the revision of Native and with the compression that the client asked for. */
export async function sendResult(
  request: IncomingMessage,
  response: ServerResponse,
  { bytes, format, search }: { readonly bytes: Uint8Array; readonly format: string; readonly search: URLSearchParams },
): Promise<void> {
  const revision = Number(search.get('client_protocol_version') ?? 0);
  const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // All of it at once, so that a result that cannot be converted is an error and not half an answer.
  const body = format === 'Native' && revision > 0 ? Buffer.concat([...reviseNative(written, revision)]) : written;
  const inBlocks = asksForBlocks(search);
  const mayEncode = !inBlocks && search.get('enable_http_compression') !== '0';
  const encoding = mayEncode ? chooseEncoding(request.headers['accept-encoding'] ?? '') : null;
  if (encoding) response.setHeader('content-encoding', encoding.name);
  else if (!inBlocks) response.setHeader('content-length', body.length);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const stuck = setTimeout(() => response.destroy(), READER_LIMIT);
  response.on('drain', () => stuck.refresh());
  const source = Readable.from(inBlocks ? compressBlocks(body) : slices(body), { highWaterMark: 1 });
  try {
    await (encoding ? pipeline(source, encoding.create(), response) : pipeline(source, response));
  } finally {
    clearTimeout(stuck);
  }
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}
