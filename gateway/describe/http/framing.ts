import type { IncomingMessage } from 'node:http';
import { Problem } from '../../domain/problem.ts';
import { LIST_HEADERS, VISIBLE_HEADERS } from './headers.ts';
import { isMethodOverride } from './method-override.ts';

/** Headers that may appear only once: sent twice, gateway and upstream could read two different calls. */
const SINGLE_HEADERS: readonly string[] = [
  'host',
  'content-length',
  'transfer-encoding',
  'content-encoding',
  'authorization',
  'traceparent',
  ...VISIBLE_HEADERS.filter((name) => !LIST_HEADERS.includes(name)),
];

const ORDINARY = 0;
const CONTENT_LENGTH = bitOf('content-length');
const TRANSFER_ENCODING = bitOf('transfer-encoding');
const CONTENT_ENCODING = bitOf('content-encoding');
const JUDGED_LIST = 1 << 29;
const CONNECTION = 1 << 30;
const FORBIDDEN = -1;

/** A bit for each header that may appear only once. Meeting a bit again means the header was repeated. */
function bitOf(name: string): number {
  return 1 << SINGLE_HEADERS.indexOf(name);
}

const KINDS = new Map<string, number>([
  ...SINGLE_HEADERS.map((name): [string, number] => [name, bitOf(name)]),
  ...LIST_HEADERS.map((name): [string, number] => [name, JUDGED_LIST]),
  ['agent-context', JUDGED_LIST],
  ['connection', CONNECTION],
]);

// Agents send the same few spellings over and over, so each spelling is classified once.
const MAX_SPELLINGS = 1000;
const spellings = new Map<string, number>();

function kindOf(spelling: string): number {
  let kind = spellings.get(spelling);
  if (kind === undefined) {
    kind = classify(spelling.toLowerCase());
    if (spellings.size >= MAX_SPELLINGS) spellings.clear();
    spellings.set(spelling, kind);
  }
  return kind;
}

function classify(name: string): number {
  if (isMethodOverride(name)) return FORBIDDEN;
  // Underscore smuggling: CGI and WSGI servers read content_length and Content-Length as one variable.
  if (name.includes('_') && KINDS.has(name.replaceAll('_', '-'))) return FORBIDDEN;
  return KINDS.get(name) ?? ORDINARY;
}

/**
 * Refuses a request whose head could mean different calls to the gateway and the upstream. Call it before the body is
 * read. The rest is up to node's strict parser (repeated or malformed Content-Length, bare LF, obsolete folding, broken
 * chunks), so never run the server with `insecureHTTPParser`.
 * @throws Problem `bad-request`; `unsupported-encoding` for a Content-Encoding that policy could not read
 */
export function assertPlainFraming(request: IncomingMessage): void {
  const { method, url, rawHeaders } = request;
  // Absolute-form, authority-form and `*` (RFC 9112 section 3.2) would route by a name other than the judged one.
  if (url?.charCodeAt(0) !== 47) throw refused('Send the path alone as the request target, starting with a slash.');
  // HTTP/0.9 and preface tricks: node's parser accepts any version that the request line names.
  if (request.httpVersionMajor !== 1) throw refused('Send the request as HTTP/1.1.');
  // Cross-site tracing: TRACE echoes the request as the upstream got it, with the system's credential.
  if (method === 'TRACE' || method === 'CONNECT') throw refused(`${method} is not forwarded. Use another method.`);

  let seen = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const kind = kindOf(rawHeaders[i]!);
    if (kind === ORDINARY || kind === JUDGED_LIST) continue;
    const value = rawHeaders[i + 1]!;
    if (kind === FORBIDDEN)
      throw refused(`Send the call without the header ${rawHeaders[i]}; use that method instead.`);
    if (kind === CONNECTION) {
      assertPlainConnection(value);
      continue;
    }
    // Host and key confusion: parsers disagree on whether the first or the last line counts.
    if (seen & kind) throw refused(`Send the header ${rawHeaders[i]} only once.`);
    seen |= kind;

    if (kind === CONTENT_LENGTH) {
      // Octal confusion: 010 is ten bytes to one parser and eight to another.
      if (value.length > 1 && value.charCodeAt(0) === 48) throw refused('Send Content-Length without leading zeros.');
    } else if (kind === TRANSFER_ENCODING) {
      // TE.TE: servers disagree on whether `gzip, chunked` and the like frame the body.
      if (value.toLowerCase() !== 'chunked') throw refused('Send no Transfer-Encoding other than chunked.');
      // TE on HTTP/1.0 (RFC 9112 section 6.1): an older hop reads the chunks as the next request.
      if (request.httpVersionMinor !== 1) throw refused('Send Transfer-Encoding only with HTTP/1.1.');
    } else if (kind === CONTENT_ENCODING) {
      if (value.toLowerCase() !== 'identity') throw new Problem('unsupported-encoding');
    }
  }
  // CL.TE and TE.CL request smuggling. Node refuses it too; this must not depend on a parser's setting.
  if (seen & CONTENT_LENGTH && seen & TRANSFER_ENCODING) {
    throw refused('Send either Content-Length or Transfer-Encoding, not both.');
  }
}

/** Hop-by-hop abuse: `Connection: idempotency-key` would make a later hop drop a header that policy judged. */
function assertPlainConnection(value: string): void {
  if (value === 'keep-alive' || value === 'close') return;
  for (const token of value.split(',')) {
    if (kindOf(token.trim()) !== ORDINARY) throw refused(`Do not name ${token.trim()} in the Connection header.`);
  }
}

function refused(detail: string): Problem {
  return new Problem('bad-request', { detail });
}
