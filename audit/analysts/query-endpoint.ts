import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createWrongTokens } from '../../gateway/domain/wrong-tokens.ts';
import type { Analyst } from './analysts.ts';
import { identify } from './analysts.ts';
import type { Catalogue } from './catalogue.ts';
import { asksForBlocks, compressBlocks } from './compressed-blocks.ts';
import { createConcurrencyLimiter } from './concurrency-limiter.ts';
import type { Answer, Connection } from './connection.ts';
import { quote } from './connection.ts';
import { describeError, ServerException } from './exception.ts';
import { limitConnections } from './idle-connections.ts';
import { runQuery } from './queries.ts';
import { readAsked } from './request.ts';
import { sendResult } from './send-result.ts';
import type { QueryLimits } from './settings.ts';
import { assign } from './settings.ts';
import { checkDatabase, killedQuery, readStatement } from './statement.ts';

export type QueryEndpointOptions = {
  /** Who may query now. */
  readonly analysts: () => readonly Analyst[];
  readonly catalogue: Catalogue;
  /** Opens a connection to the engine. */
  readonly connect: () => Connection;
  readonly limits: QueryLimits;
  /** Queries that run at once. */
  readonly concurrency: number;
  /** Whether the tables are there. */
  readonly isReady: () => Promise<boolean>;
};

/** Queries that may wait, and for how many milliseconds. A dashboard sends the queries of all its panels at once. */
const QUEUE = 64;
const MAX_WAIT = 30_000;
/** Each connection takes one of the descriptors that the engine needs for its files. */
const CONNECTIONS = 256;
/** How long a request's head, and the whole request, may take to arrive. Milliseconds. */
const HEAD_TIMEOUT = 10_000;
const REQUEST_TIMEOUT = 60_000;
/** Seconds after which to ask again while the tables are not there yet. */
const RETRY_AFTER = 2;

/**
 * The query endpoint for analysts: ClickHouse's HTTP interface, read-only. Users are the reviewers with the role `analyst`.
 * A statement is checked before the engine gets it, and runs on a connection of its own, under limits.
 */
export function createQueryEndpoint({
  analysts,
  catalogue,
  connect,
  limits,
  concurrency,
  isReady,
}: QueryEndpointOptions): Server {
  const { version, formats, tableFunctions } = catalogue;
  const wrongTokens = createWrongTokens(Date.now);
  /** Queries that run or wait, by id. */
  const running = new Map<string, { readonly analyst: string; readonly end: () => void }>();
  const limiter = createConcurrencyLimiter({ concurrency, queue: QUEUE, maxWait: MAX_WAIT });
  const timeouts = {
    headersTimeout: HEAD_TIMEOUT,
    requestTimeout: REQUEST_TIMEOUT,
    connectionsCheckingInterval: 5_000,
  };
  const server = createServer(timeouts, (request, response) => {
    answer(request, response)
      .catch((error: unknown) => refuse(request, response, error))
      .catch(() => response.destroy());
  });
  // Longer than clients keep theirs, so that the client closes an idle connection.
  server.keepAliveTimeout = 30_000;
  const connections = limitConnections(server, CONNECTIONS);
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('x-clickhouse-server-display-name', 'holdpoint');
    response.setHeader('content-type', 'text/plain; charset=UTF-8');
    const url = URL.parse(request.url ?? '/', 'http://localhost');
    if (url === null) throw badArguments('The URL is malformed.');
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    if (request.method === 'OPTIONS') {
      response.writeHead(204, { allow: 'GET, HEAD, POST, OPTIONS' }).end();
    } else if (isGet && (['/ping', '/replicas_status'].includes(url.pathname) || request.url === '/')) {
      if (url.pathname === '/replicas_status') await assertReady();
      response.end('Ok.\n');
    } else if (url.pathname !== '/' || !(isGet || request.method === 'POST')) {
      response.writeHead(404).end(`There is no handle ${url.pathname} for ${request.method}\n`);
    } else {
      await query(request, response, url.searchParams);
    }
  }

  async function query(request: IncomingMessage, response: ServerResponse, search: URLSearchParams): Promise<void> {
    const analyst = admitted(request, search);
    response.once('close', connections.busy(request.socket));
    await assertReady();
    const asked = await readAsked(request, search);
    checkDatabase(asked.database);
    const killed = killedQuery(asked.sql);
    if (killed !== null) {
      const query = running.get(killed);
      if (query?.analyst === analyst.id) query.end();
      response.end();
      return;
    }
    const reading = { parameters: asked.parameters, tableFunctions };
    const statement = readStatement(asked.sql, reading);
    const given = [...asked.settings].map(([name, value]) => ({ name, literal: quote(value) }));
    const settings = assign([...given, ...statement.settings], { limits, known: catalogue.settings, reading });
    const named = statement.format ?? asked.format;
    const known = formats.get(named.toLowerCase());
    if (!known) throw new ServerException(73, 'UNKNOWN_FORMAT', `Unknown format ${named}.`);
    const { name: format, contentType } = known;
    const timezone = asked.settings.get('session_timezone') ?? catalogue.timezone;
    const queryId = forHeader('query_id', search.get('query_id') || randomUUID());
    response.setHeader('x-clickhouse-query-id', queryId);
    response.setHeader('x-clickhouse-format', format);
    response.setHeader('x-clickhouse-timezone', forHeader('session_timezone', timezone));

    const hangUp = new AbortController();
    response.once('close', () => hangUp.abort());
    const own = { analyst: analyst.id, end: () => hangUp.abort() };
    running.set(queryId, own);
    const forget = () => running.get(queryId) === own && running.delete(queryId);
    const leave = await limiter.enter(analyst.id, hangUp.signal).catch((error: unknown) => {
      forget();
      throw error;
    });
    try {
      const { parameters } = asked;
      const answer =
        statement.sql === ''
          ? NOTHING
          : await runQuery({ sql: statement.sql, format, parameters, settings }, { connect, signal: hangUp.signal });
      const bytes = answer.bytes();
      // A format can turn few rows into many bytes. They stay in memory, which the writer needs, until they are sent.
      if (bytes.length > limits.max_result_bytes) {
        const text = `Limit for result exceeded: ${bytes.length} bytes of ${format}, at most ${limits.max_result_bytes}.`;
        throw new ServerException(396, 'TOO_MANY_ROWS_OR_BYTES', text);
      }
      response.setHeader('content-type', contentType || 'text/plain; charset=UTF-8');
      response.setHeader('x-clickhouse-summary', summary(answer));
      await sendResult(request, response, { bytes, format, search });
    } finally {
      forget();
      leave();
    }
  }

  function admitted(request: IncomingMessage, search: URLSearchParams): Analyst {
    try {
      return identify(analysts(), request.headers, search);
    } catch (error) {
      const retryAfter = wrongTokens.count(request.socket.remoteAddress);
      if (retryAfter === null) throw error;
      const text = 'This address sent many wrong passwords. A right one is accepted at once.';
      throw new ServerException(516, 'AUTHENTICATION_FAILED', text, { status: 429, retryAfter });
    }
  }

  async function assertReady(): Promise<void> {
    if (await isReady()) return;
    const text = `The tables are not ready yet. Try again in ${RETRY_AFTER} s.`;
    throw new ServerException(745, 'SERVER_OVERLOADED', text, { status: 503, retryAfter: RETRY_AFTER });
  }

  async function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): Promise<void> {
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    const { code, status, text } = describeError(error, version);
    // The unread rest of the body would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    if (error instanceof ServerException && error.retryAfter !== null)
      response.setHeader('retry-after', String(error.retryAfter));
    for (const header of ['content-encoding', 'content-length']) response.removeHeader(header);
    const body = Buffer.from(`${text}\n`);
    const { searchParams } = URL.parse(request.url ?? '/', 'http://localhost') ?? {};
    // Clients that ask for blocks look for errors in them too: clickhouse-go, and the JDBC driver before 0.9.
    const sent = asksForBlocks(searchParams) ? await Array.fromAsync(compressBlocks(body)) : [body];
    response.writeHead(status, {
      'content-type': 'text/plain; charset=UTF-8',
      'x-clickhouse-exception-code': String(code),
    });
    response.end(Buffer.concat(sent));
  }
}

/** A value that is echoed in a header must not begin another header (CWE-113), nor make Node throw. */
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
