import { gatewaysIn } from '../../domain/headers.ts';
import { isVisible, plainName, type HeaderRoles } from '../../domain/header-roles.ts';
import { isKnownHeader, LIST_HEADERS } from '../../domain/known-headers.ts';
import type { RequestHead } from '../../domain/message.ts';
import { isMethodOverride } from '../../domain/method-override.ts';
import { Problem } from '../../domain/problem.ts';
import type { System } from '../../domain/system.ts';
import { codingsOf } from './content-coding.ts';
import { GET_BY_POST } from './long-query.ts';

/** Headers that may appear only once, beside those that are judged: the gateway reads them itself. */
const READ_HERE: ReadonlySet<string> = new Set(['host', 'authorization', 'traceparent']);
const FRAMING: readonly string[] = ['content-length', 'transfer-encoding', 'content-encoding'];

const ORDINARY = 0;
const CONTENT_LENGTH = 1;
const TRANSFER_ENCODING = 2;
const CONTENT_ENCODING = 4;
/** The first and the last bit that stand for the other headers that may appear only once. */
const FIRST_SINGLE = 3;
const LAST_SINGLE = 28;
const JUDGED_LIST = 1 << 29;
const CONNECTION = 1 << 30;
const FORBIDDEN = -1;
const VIA = -2;
const METHOD_OVERRIDE = -3;

/** Most gateways before this one. More of them are a loop: an upstream that leads back to a gateway. */
const MOST_GATEWAYS = 5;

// Agents send the same few spellings over and over, so each spelling is classified once.
const MAX_SPELLINGS = 1000;

/**
 * Gives each spelling of a header its kind. A header that may appear only once gets a bit; meeting a bit again means
 * that the header was repeated, or that two headers share the bit.
 */
function createKinds(roleOf: HeaderRoles, takesGetByPost: boolean): (spelling: string) => number {
  const spellings = new Map<string, number>();
  const bits = new Map<string, number>();

  function bitOf(name: string): number {
    let bit = bits.get(name);
    if (bit === undefined) {
      bit = 1 << (FIRST_SINGLE + (bits.size % (LAST_SINGLE - FIRST_SINGLE + 1)));
      if (bits.size >= MAX_SPELLINGS) bits.clear();
      bits.set(name, bit);
    }
    return bit;
  }

  function classify(name: string): number {
    if (takesGetByPost && name === GET_BY_POST) return METHOD_OVERRIDE;
    if (isMethodOverride(name)) return FORBIDDEN;
    const plain = plainName(name);
    // Underscore smuggling: CGI and WSGI servers read content_length and Content-Length as one variable.
    if (plain !== name && isKnownHeader(plain)) return FORBIDDEN;
    if (plain === 'connection') return CONNECTION;
    if (plain === 'via') return VIA;
    if (FRAMING.includes(plain)) return 1 << FRAMING.indexOf(plain);
    if (LIST_HEADERS.includes(plain) || plain === 'agent-context') return JUDGED_LIST;
    return isVisible(roleOf(plain)) || READ_HERE.has(plain) ? bitOf(plain) : ORDINARY;
  }

  return (spelling) => {
    let kind = spellings.get(spelling);
    if (kind === undefined) {
      kind = classify(spelling.toLowerCase());
      if (spellings.size >= MAX_SPELLINGS) spellings.clear();
      spellings.set(spelling, kind);
    }
    return kind;
  };
}

/**
 * Refuses a request whose head could mean different calls to the gateway and the upstream. Call it before the body is
 * read. The rest is up to node's strict parser (repeated or malformed Content-Length, bare LF, obsolete folding, broken
 * chunks), so never run the server with `insecureHTTPParser`.
 *
 * The returned function throws Problem `bad-request`; `loop-detected`; `unsupported-encoding` for a Content-Encoding that policy could
 * not read.
 */
export function createFramingCheck(
  roleOf: HeaderRoles,
  { methodOverride }: Pick<System, 'methodOverride'> = {},
): (request: RequestHead) => void {
  const kindOf = createKinds(roleOf, methodOverride === 'GET');
  return (request) => assertPlainFraming(request, kindOf);
}

function assertPlainFraming(request: RequestHead, kindOf: (spelling: string) => number): void {
  const { method, url, rawHeaders } = request;
  // Absolute-form, authority-form and `*` (RFC 9112 section 3.2) would route by a name other than the judged one.
  if (url?.charCodeAt(0) !== 47) throw refused('Send the path alone as the request target, starting with a slash.');
  // HTTP/0.9 and preface tricks: node's parser accepts any version that the request line names.
  if (request.httpVersionMajor !== 1) throw refused('Send the request as HTTP/1.1.');
  // Cross-site tracing: TRACE echoes the request as the upstream got it, with the system's credential.
  if (method === 'TRACE' || method === 'CONNECT') throw refused(`${method} is not forwarded. Use another method.`);

  let seen = 0;
  let gateways = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const kind = kindOf(rawHeaders[i]!);
    if (kind === ORDINARY || kind === JUDGED_LIST) continue;
    const value = rawHeaders[i + 1]!;
    if (kind === FORBIDDEN)
      throw refused(`Send the call without the header ${rawHeaders[i]}; use that method instead.`);
    if (kind === VIA) {
      gateways += gatewaysIn(value);
      if (gateways > MOST_GATEWAYS) throw new Problem('loop-detected');
      continue;
    }
    if (kind === METHOD_OVERRIDE) {
      if (method !== 'POST' || value !== 'GET' || isRepeated(rawHeaders, i))
        throw refused(`Send the header ${rawHeaders[i]} once, with a POST that stands for a GET.`);
      continue;
    }
    if (kind === CONNECTION) {
      assertPlainConnection(value, kindOf);
      continue;
    }
    // Host and key confusion: parsers disagree on whether the first or the last line counts.
    if (seen & kind && isRepeated(rawHeaders, i)) throw refused(`Send the header ${rawHeaders[i]} only once.`);
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
      codingsOf(value);
    }
  }
  // CL.TE and TE.CL request smuggling. Node refuses it too; this must not depend on a parser's setting.
  if (seen & CONTENT_LENGTH && seen & TRANSFER_ENCODING) {
    throw refused('Send either Content-Length or Transfer-Encoding, not both.');
  }
}

/** Whether another header than the one at `index` has its name. */
function isRepeated(rawHeaders: readonly string[], index: number): boolean {
  const name = plainName(rawHeaders[index]!);
  return rawHeaders.some((other, at) => at % 2 === 0 && at !== index && plainName(other) === name);
}

/** Hop-by-hop abuse: `Connection: idempotency-key` would make a later hop drop a header that policy judged. */
function assertPlainConnection(value: string, kindOf: (spelling: string) => number): void {
  if (value === 'keep-alive' || value === 'close') return;
  for (const option of value.split(',')) {
    const name = option.trim();
    // The one option that is not a header.
    if (name.toLowerCase() === 'close' || name === '') continue;
    if (kindOf(name) !== ORDINARY) throw refused(`Do not name ${name} in the Connection header.`);
  }
}

function refused(detail: string): Problem {
  return new Problem('bad-request', { detail });
}
