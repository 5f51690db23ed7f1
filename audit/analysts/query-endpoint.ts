import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Analyst } from './analysts.ts';
import { identify } from './analysts.ts';
import { compressBlocks } from './blocks.ts';
import type { Catalogue } from './catalogue.ts';
import type { Answer, Connection } from './connection.ts';
import { quote } from './connection.ts';
import { chooseEncoding } from './encoding.ts';
import { describeError, ServerException } from './exception.ts';
import { reviseNative } from './native.ts';
import { runQuery } from './queries.ts';
import { readAsked } from './request.ts';
import type { QueryLimits } from './settings.ts';
import { assign } from './settings.ts';
import { checkDatabase, readStatement } from './statement.ts';
import { createTurnstile } from './concurrency-limiter.ts';

export type DoorOptions = {
  readonly analysts: readonly Analyst[];
  readonly catalogue: Catalogue;
  /** Opens a connection to the engine. */
  readonly connect: () => Connection;
  readonly limits: QueryLimits;
  /** How many queries run at once. */
  readonly places: number;
};

/** How many queries may wait for a place, and for how many milliseconds. A dashboard asks for all its panels at once. */
const QUEUE = 64;
const PATIENCE = 30_000;
/** Milliseconds that a client may take none of its answer: it lies in memory and holds a place. */
const READER_LIMIT = 30_000;
/** More are closed at once: the process's descriptors are the engine's files. */
const CONNECTIONS = 256;
const SLICE = 64 * 1024;

/**
 * The analysts' door: ClickHouse's HTTP interface, for reading alone. Who asks is a reviewer with the role `analyst`;
 * what they ask is read before the engine gets it, and runs on a connection of its own under limits.
 */
export function createDoor({ analysts, catalogue, connect, limits, places }: DoorOptions): Server {
  const { version, formats, tableFunctions } = catalogue;
  const turnstile = createTurnstile({ places, queue: QUEUE, patience: PATIENCE });
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(request, response, error));
  });
  // Longer than clients keep their connections, so that it is they who close an idle one.
  server.keepAliveTimeout = 30_000;
  server.maxConnections = CONNECTIONS;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-clickhouse-server-display-name', 'holdpoint');
    response.setHeader('content-type', 'text/plain; charset=UTF-8');
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (url === null) throw badArguments('The address cannot be read.');
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { allow: 'GET, HEAD, POST, OPTIONS' }).end();
    } else if (isGet && (['/ping', '/replicas_status'].includes(url.pathname) || request.url === '/')) {
      response.end('Ok.\n');
    } else if (url.pathname !== '/' || !(isGet || request.method === 'POST')) {
      response.writeHead(404).end(`There is no handle ${url.pathname} for ${request.method}\n`);
    } else {
      await query(request, response, url.searchParams);
    }
  }

  async function query(request: IncomingMessage, response: ServerResponse, search: URLSearchParams): Promise<void> {
    const analyst = identify(analysts, request.headers, search);
    const asked = await readAsked(request, search);
    checkDatabase(asked.database);
    const reading = { parameters: asked.parameters, tableFunctions };
    const statement = readStatement(asked.sql, reading);
    const given = [...asked.settings].map(([name, value]) => ({ name, literal: quote(value) }));
    const settings = assign([...given, ...statement.settings], { limits, known: catalogue.settings, reading });
    const named = statement.format ?? asked.format;
    const known = formats.get(named.toLowerCase());
    if (!known) throw new ServerException(73, 'UNKNOWN_FORMAT', `Unknown format ${named}.`);
    const { name: format, contentType } = known;
    const timezone = asked.settings.get('session_timezone') ?? catalogue.timezone;
    response.setHeader('x-clickhouse-query-id', forHeader('query_id', search.get('query_id') || randomUUID()));
    response.setHeader('x-clickhouse-format', format);
    response.setHeader('x-clickhouse-timezone', forHeader('session_timezone', timezone));

    const hangUp = new AbortController();
    response.once('close', () => hangUp.abort());
    const leave = await turnstile.enter(analyst.id, hangUp.signal);
    try {
      const { parameters } = asked;
      const answer =
        statement.sql === ''
          ? NOTHING
          : await runQuery({ sql: statement.sql, format, parameters, settings }, { connect, signal: hangUp.signal });
      const bytes = answer.bytes();
      // A format can make much of few rows, and this lies in memory until it is sent: memory that the writer needs.
      if (bytes.length > limits.max_result_bytes) {
        const text = `Limit for result exceeded: ${bytes.length} bytes of ${format}, at most ${limits.max_result_bytes}.`;
        throw new ServerException(396, 'TOO_MANY_ROWS_OR_BYTES', text);
      }
      response.setHeader('content-type', contentType || 'text/plain; charset=UTF-8');
      response.setHeader('x-clickhouse-summary', summary(answer));
      await send(request, response, bytes, search, format);
    } finally {
      leave();
    }
  }

  async function send(
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Uint8Array,
    search: URLSearchParams,
    format: string,
  ): Promise<void> {
    const revision = Number(search.get('client_protocol_version') ?? 0);
    const written = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // All of it at once, so that what cannot be sent is an error and not half an answer.
    const body = format === 'Native' && revision > 0 ? Buffer.concat([...reviseNative(written, revision)]) : written;
    const inBlocks = search.get('compress') === '1';
    const isAsked = search.get('enable_http_compression') !== '0';
    const encoding = isAsked && !inBlocks ? chooseEncoding(request.headers['accept-encoding'] ?? '') : null;
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

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { code, status, text } = describeError(error, version);
    // The rest of a body that nobody will read would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    for (const header of ['content-encoding', 'content-length']) response.removeHeader(header);
    response.writeHead(status, {
      'content-type': 'text/plain; charset=UTF-8',
      'x-clickhouse-exception-code': String(code),
    });
    response.end(`${text}\n`);
  }
}

/** What comes back in a header must not begin another one (CWE-113), nor end in an error of ours. */
function forHeader(name: string, value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  throw badArguments(`${name} has characters other than printable ASCII.`);
}

function badArguments(text: string): ServerException {
  return new ServerException(36, 'BAD_ARGUMENTS', text);
}

const NOTHING: Answer = { bytes: () => new Uint8Array(0), rowsRead: 0, bytesRead: 0, elapsed: 0 };

function summary({ rowsRead, bytesRead, elapsed }: Answer): string {
  return JSON.stringify({
    read_rows: String(rowsRead),
    read_bytes: String(bytesRead),
    written_rows: '0',
    written_bytes: '0',
    total_rows_to_read: '0',
    result_rows: String(rowsRead),
    result_bytes: String(bytesRead),
    elapsed_ns: String(Math.round(elapsed * 1e9)),
  });
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += SLICE) yield bytes.subarray(at, at + SLICE);
}
