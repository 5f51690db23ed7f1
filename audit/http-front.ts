import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';

/** What the front needs of a chDB session. */
export type EngineSession = {
  queryAsync(sql: string, options: { format: string }): Promise<EngineResult>;
  queryBindAsync(sql: string, params: Record<string, string>, options: { format: string }): Promise<EngineResult>;
};
type EngineResult = {
  bytes(): Uint8Array;
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly elapsed: number;
};

/** An answer in the form of ClickHouse's own errors: its code, and the text that clients take apart. */
class Refusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, name: string, text: string) {
    super(`Code: ${code}. DB::Exception: ${text} (${name})`);
    this.status = status;
    this.code = code;
  }
}

const BODY_LIMIT = 64 * 1024 * 1024;
/** Parameters of a request that mean something to a server's HTTP layer only. */
const HTTP_ONLY = new Set([
  'query_id',
  'wait_end_of_query',
  'send_progress_in_http_headers',
  'database',
  'role',
  'session_timezone',
]);

/**
 * The part of ClickHouse's HTTP interface that `@clickhouse/client` uses, in front of a chDB session: statements by POST
 * or GET, the statement in the body or in `query` with data in the body, `param_*`, `default_format`, `/ping`, errors
 * with `X-ClickHouse-Exception-Code`. Settings belong into the statement: in a request they are refused, since they
 * would stick to the session. Every request but `/ping` needs the user name and password.
 */
export function createHttpFront(options: {
  readonly session: EngineSession;
  readonly username: string;
  readonly password: string;
}): Server {
  const { session, username, password } = options;
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => refuse(request, response, error));
  });
  // Above the client's idle time, so that it is the client who closes an idle socket.
  server.keepAliveTimeout = 30_000;
  return server;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/ping') {
      response.end('Ok.\n');
      return;
    }
    if (url.pathname !== '/') throw new Refusal(404, 36, 'BAD_ARGUMENTS', `There is nothing at ${url.pathname}`);
    if (!isAuthentic(request, username, password)) {
      throw new Refusal(403, 516, 'AUTHENTICATION_FAILED', 'Authentication failed: password is incorrect');
    }
    if (request.headers['content-encoding'] !== undefined) {
      throw new Refusal(400, 48, 'NOT_IMPLEMENTED', 'Compressed requests are not supported');
    }
    const { format, escaped } = readParameters(url.searchParams, request);
    const body = (await readBody(request)).toString();
    const query = url.searchParams.get('query');
    const sql = query === null ? body : body === '' ? query : `${query}\n${body}`;
    if (sql.trim() === '') throw new Refusal(400, 62, 'SYNTAX_ERROR', 'Empty query');
    const result = await run(sql, escaped, format);
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

  function run(sql: string, escaped: Map<string, string>, format: string): Promise<EngineResult> {
    if (escaped.size === 0) return session.queryAsync(sql, { format });
    const params: Record<string, string> = {};
    for (const [name, value] of escaped) params[name] = unescapeParameter(sql, name, value);
    return session.queryBindAsync(sql, params, { format });
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const code = error instanceof Refusal ? error.code : Number(/^Code: (\d+)/.exec(text)?.[1] ?? 1001);
  const status = error instanceof Refusal ? error.status : 500;
  // The rest of a body that nobody will read would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close');
  response.writeHead(status, {
    'content-type': 'text/plain; charset=UTF-8',
    'x-clickhouse-exception-code': String(code),
  });
  response.end(`${text.startsWith('Code: ') ? text : `Code: ${code}. DB::Exception: ${text}`}\n`);
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
): { format: string; escaped: Map<string, string> } {
  let format = String(request.headers['x-clickhouse-format'] ?? 'TabSeparated');
  const escaped = new Map<string, string>();
  for (const [name, value] of search) {
    if (name === 'default_format') format = value;
    else if (/^param_\w+$/.test(name)) escaped.set(name.slice('param_'.length), value);
    else if (name !== 'query' && !HTTP_ONLY.has(name)) {
      throw new Refusal(400, 115, 'UNKNOWN_SETTING', `Setting ${name} must stand in the statement itself`);
    }
  }
  return { format, escaped };
}

const ESCAPES: Record<string, string> = { '\\': '\\', "'": "'", 0: '\0', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

/**
 * Undoes the escaping (as in TabSeparated) in which a parameter travels; the session puts it back. Inside arrays, maps
 * and tuples an escape means something else and the session would change it, so it is refused.
 */
function unescapeParameter(sql: string, name: string, escaped: string): string {
  const composite = new RegExp(`\\{\\s*${name}\\s*:\\s*(?:Array|Map|Tuple)\\b`).test(sql);
  return escaped.replaceAll(/\\(.?)/gs, (_, character: string) => {
    const plain = ESCAPES[character];
    if (composite || plain === undefined) {
      throw new Refusal(400, 36, 'BAD_ARGUMENTS', `Escape \\${character} in parameter ${name} is not supported`);
    }
    return plain;
  });
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Refusal(413, 307, 'TOO_MANY_BYTES', `More than ${BODY_LIMIT} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
