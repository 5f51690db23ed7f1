import type { IncomingMessage } from 'node:http';
import { decode } from './encoding.ts';
import { ServerException } from './exception.ts';

/** Most bytes of a body. */
const LIMIT = 1024 * 1024;
/** Most bytes of a statement: the engine's own limit, `max_query_size`. */
const STATEMENT_LIMIT = 256 * 1024;

/** What a request asks for, whether in its URL, headers, form or body. */
export type Asked = {
  readonly sql: string;
  readonly database: string;
  /** The format for a statement that names none. */
  readonly format: string;
  /** Values as sent: escaped as in TabSeparated. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Everything else in the URL. */
  readonly settings: ReadonlyMap<string, string>;
};

const OWN = new Set(['query', 'database', 'default_format', '']);

/**
 * Reads the statement from `query`, the body or both, and its options from the URL, the headers and the form's fields.
 * @throws ServerException for a body that is too large or cannot be read
 */
export async function readAsked(request: IncomingMessage, search: URLSearchParams): Promise<Asked> {
  const fields = new Map(search);
  let body = await readBody(request, search);
  if (request.headers['content-type']?.startsWith('multipart/form-data')) {
    for (const [name, value] of await readForm(request, body)) fields.set(name, value);
    body = Buffer.alloc(0);
  }
  const parameters = new Map<string, string>();
  const settings = new Map<string, string>();
  for (const [name, value] of fields) {
    if (/^param_\w+$/.test(name)) parameters.set(name.slice('param_'.length), value);
    else if (!OWN.has(name)) settings.set(name, value);
  }
  const header = (name: string) => String(request.headers[name] ?? '');
  const sql = [fields.get('query') ?? '', body.toString()].filter((part) => part !== '').join('\n');
  if (Buffer.byteLength(sql) > STATEMENT_LIMIT) {
    throw new ServerException(
      62,
      'SYNTAX_ERROR',
      `Max query size exceeded: a statement has at most ${STATEMENT_LIMIT} bytes.`,
    );
  }
  return {
    sql,
    database: header('x-clickhouse-database') || (fields.get('database') ?? ''),
    format: header('x-clickhouse-format') || fields.get('default_format') || 'TabSeparated',
    parameters,
    settings,
  };
}

async function readBody(request: IncomingMessage, search: URLSearchParams): Promise<Buffer> {
  if (search.get('decompress') === '1') {
    throw new ServerException(48, 'NOT_IMPLEMENTED', 'decompress=1 is not supported: use Content-Encoding.');
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) throw new ServerException(307, 'TOO_MANY_BYTES', `A body has at most ${LIMIT} bytes.`);
    chunks.push(chunk);
  }
  return await decode(Buffer.concat(chunks), request.headers['content-encoding'], LIMIT);
}

async function readForm(request: IncomingMessage, body: Buffer): Promise<[string, string][]> {
  const headers = { 'content-type': String(request.headers['content-type']) };
  const form = await new Response(new Uint8Array(body), { headers }).formData().catch((error: unknown) => {
    throw new ServerException(36, 'BAD_ARGUMENTS', `The form cannot be read: ${String(error)}`);
  });
  return [...form.entries()].map(([name, value]) => {
    if (typeof value === 'string') return [name, value];
    throw new ServerException(48, 'NOT_IMPLEMENTED', 'External tables are not supported.');
  });
}
