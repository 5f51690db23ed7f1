import type { IncomingMessage } from 'node:http';
import { decompressBlocks } from './blocks.ts';
import { decode } from './encoding.ts';
import { ServerException } from './exception.ts';

/** Bytes of a statement; the engine's own limit (`max_query_size`) is lower. */
const LIMIT = 1024 * 1024;

/** What a request asks for, wherever it says so. */
export type Asked = {
  readonly sql: string;
  readonly database: string;
  /** The format for a statement that names none. */
  readonly format: string;
  /** Values as they travel: escaped as in TabSeparated. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Everything else in the address. */
  readonly settings: ReadonlyMap<string, string>;
};

const OWN = new Set(['query', 'database', 'default_format', '']);

/**
 * Reads the statement from `query`, the body or both, and what goes with it from the address, the headers and the fields
 * of a form.
 * @throws ServerException for bodies that are too large or cannot be read
 */
export async function readAsked(request: IncomingMessage, search: URLSearchParams): Promise<Asked> {
  const fields = new Map(search);
  let body = await readBody(request, search.get('decompress') === '1');
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
  return {
    sql: [fields.get('query') ?? '', body.toString()].filter((part) => part !== '').join('\n'),
    database: header('x-clickhouse-database') || (fields.get('database') ?? ''),
    format: header('x-clickhouse-format') || fields.get('default_format') || 'TabSeparated',
    parameters,
    settings,
  };
}

async function readBody(request: IncomingMessage, compressed: boolean): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LIMIT) throw new ServerException(307, 'TOO_MANY_BYTES', `A statement has at most ${LIMIT} bytes.`);
    chunks.push(chunk);
  }
  const body = await decode(Buffer.concat(chunks), request.headers['content-encoding'], LIMIT);
  return compressed ? decompressBlocks(body, LIMIT) : body;
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
