import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { Answer, Connection } from '../analysts/connection.ts';
import { quote, setParameters } from '../analysts/connection.ts';
import { describeError, ServerException } from '../analysts/exception.ts';
import type { Spool } from './spool.ts';

const BODY_LIMIT = 64 * 1024 * 1024;
/** An insert with its data in the body, in two parts: FROM INFILE can stand between them. */
const INSERT = /^\s*(INSERT\s+INTO\s+\S+(?:\s*\([^)]*\))?)\s+((?:SETTINGS\s[^]+\s)?FORMAT\s+\w+)\s*$/i;
/** Parameters that concern only a server's HTTP layer. */
const HTTP_ONLY = new Set([
  'query_id',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'database',
  'role',
  'session_timezone',
]);

/**
 * The gateway's own endpoint of the embedded engine: the part of ClickHouse's HTTP interface that `@clickhouse/client`
 * uses, for any statement. It takes POST and GET, the statement in the body or in `query` with data in the body, `param_*`
 * and `default_format`; it answers `/ping`, and errors with `X-ClickHouse-Exception-Code`. Settings belong in the statement;
 * in the URL they are refused. Every request but `/ping` needs the user name and password.
 * @param options.connect opens a connection. Each statement has its own: statements of one connection run one after
 *   another, and parameters stick to it
 * @param options.version the engine's
 * @param options.spool takes the data of inserts, which the engine would copy and scan several times as part of the
 *   statement. Null leaves it there
 */
export function createEngineEndpoint(options: {
  readonly connect: () => Connection;
  readonly version: string;
  readonly username: string;
  readonly password: string;
  readonly spool: Spool | null;
}): Server {
  const { connect, version, username, password, spool } = options;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(request, response, error));
  });
  // Longer than clients keep theirs, so that the client closes an idle connection.
  server.keepAliveTimeout = 30_000;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/ping') {
      response.end('Ok.\n');
      return;
    }
    if (url.pathname !== '/') {
      throw new ServerException(36, 'BAD_ARGUMENTS', `No such path: ${url.pathname}`, { status: 404 });
    }
    if (!isAuthentic(request, username, password)) {
      throw new ServerException(516, 'AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect');
    }
    if (request.headers['content-encoding'] !== undefined) {
      throw new ServerException(48, 'NOT_IMPLEMENTED', 'Compressed requests are not supported');
    }
    const { format, parameters } = readParameters(url.searchParams, request);
    const query = url.searchParams.get('query');
    const insert = query === null ? null : INSERT.exec(query);
    const result =
      spool !== null && insert !== null
        ? await spool.through(bodyOf(request), (path) => insertFrom(path, insert, parameters))
        : await run(await readStatement(query, request), parameters, format);
    const bytes = result.bytes();
    response.writeHead(200, {
      'content-type': 'text/plain; charset=UTF-8',
      'content-length': bytes.byteLength,
      'x-clickhouse-server-display-name': 'holdpoint',
      'x-clickhouse-query-id': url.searchParams.get('query_id') ?? randomUUID(),
      'x-clickhouse-format': format,
      'x-clickhouse-timezone': 'UTC',
      'x-clickhouse-summary': JSON.stringify({
        read_rows: String(result.rowsRead),
        read_bytes: String(result.bytesRead),
        elapsed_ns: String(Math.round(result.elapsed * 1e9)),
      }),
    });
    response.end(bytes);
  }

  async function insertFrom(
    path: string,
    [, into, settings]: RegExpExecArray,
    parameters: ReadonlyMap<string, string>,
  ): Promise<Answer> {
    try {
      const result = await run(`${into} FROM INFILE ${quote(path)} ${settings}`, parameters, 'Null');
      // Rows that the engine dropped as a repetition count as read.
      if (result.rowsRead === 0) throw new ServerException(108, 'NO_DATA_TO_INSERT', 'No data to insert');
      return result;
    } catch (error) {
      // The file's name would make equal errors differ.
      if (error instanceof Error) error.message = error.message.replaceAll(`: (in file/uri ${path})`, '');
      throw error;
    }
  }

  async function run(sql: string, parameters: ReadonlyMap<string, string>, format: string): Promise<Answer> {
    const connection = connect();
    try {
      const first = setParameters(parameters);
      if (first !== null) await connection.queryAsync(first, { format: 'Null' });
      return await connection.queryAsync(sql, { format });
    } finally {
      connection.close();
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const { code, status, text } = describeError(error, version);
    // The unread rest of the body would be taken for the next request.
    if (!request.complete) response.setHeader('connection', 'close');
    response.writeHead(status, {
      'content-type': 'text/plain; charset=UTF-8',
      'x-clickhouse-exception-code': String(code),
    });
    response.end(`${text}\n`);
  }
}

/** Basic credentials or `X-ClickHouse-User` and `X-ClickHouse-Key`, compared in constant time. */
function isAuthentic(request: IncomingMessage, username: string, password: string): boolean {
  const { authorization } = request.headers;
  const given = authorization?.startsWith('Basic ')
    ? Buffer.from(authorization.slice('Basic '.length), 'base64').toString()
    : `${String(request.headers['x-clickhouse-user'])}:${String(request.headers['x-clickhouse-key'])}`;
  return timingSafeEqual(digest(given), digest(`${username}:${password}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readParameters(
  search: URLSearchParams,
  request: IncomingMessage,
): { format: string; parameters: Map<string, string> } {
  let format = String(request.headers['x-clickhouse-format'] ?? 'TabSeparated');
  const parameters = new Map<string, string>();
  for (const [name, value] of search) {
    if (name === 'default_format') format = value;
    else if (/^param_\w+$/.test(name)) parameters.set(name.slice('param_'.length), value);
    else if (name !== 'query' && !HTTP_ONLY.has(name)) {
      throw new ServerException(115, 'UNKNOWN_SETTING', `Setting ${name} must be in the statement itself`, {
        status: 400,
      });
    }
  }
  return { format, parameters };
}

async function readStatement(query: string | null, request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bodyOf(request)) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const sql = query === null ? body : body === '' ? query : `${query}\n${body}`;
  if (sql.trim() === '') throw new ServerException(62, 'SYNTAX_ERROR', 'Empty query');
  return sql;
}

async function* bodyOf(request: IncomingMessage): AsyncGenerator<Buffer, void> {
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new ServerException(307, 'TOO_MANY_BYTES', `More than ${BODY_LIMIT} bytes`);
    yield chunk;
  }
}
