import { isUtf8 } from 'node:buffer';
import { Problem } from '../../../domain/problem.ts';

/** One part of a multipart body (RFC 2046). */
export type MimePart = {
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Its Content-Type, as written; null when it states none. */
  readonly type: string | null;
  readonly data: Buffer;
};

const CRLF = '\r\n';
const LF = '\n';
/** Bytes of one part's headers. */
const MAX_HEAD = 8 * 1024;

/** A multipart type with its parameters, each a token or in quotes without escapes. */
const MEDIA_TYPE = /^multipart\/[\w-]+((?:[ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))*);?$/i;
const PARAMETER = /[ \t]*;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"([^"\\]*)")/gy;
/** RFC 2046 section 5.1.1, without the space. */
const BOUNDARY = /^[\w'()+,./:=?-]{1,70}$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):(.*)$/s;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
/** Codings that leave the bytes as they are (RFC 2045 section 6.2). */
const PLAIN_CODINGS = new Set(['7bit', '8bit', 'binary']);

/**
 * The parts of a multipart body. Stricter than any server: what two parsers could read as different parts or data is
 * refused. Every line ends alike, nothing stands before the first boundary or after the last, and no header is folded or
 * repeated.
 * @param lineFeeds whether all lines may end in LF alone, as Python's `email` package writes them
 * @throws Problem `bad-body`
 */
export function* readMimeParts(body: Buffer, contentType: string, lineFeeds = false): Generator<MimePart> {
  const delimiter = Buffer.from(`--${boundaryOf(contentType)}`);
  const lineEnd = lineFeeds && isLineFed(body, delimiter) ? LF : CRLF;
  const end = Buffer.from(lineEnd);
  // Some clients send an empty line first (RFC 2046: an empty preamble).
  let at = startsWith(body, 0, end) ? end.length : 0;
  if (!startsWith(body, at, delimiter)) throw refused('something before its first boundary, or another boundary');
  for (;;) {
    at += delimiter.length;
    if (startsWith(body, at, Buffer.from('--'))) break;
    // Padding after a boundary, a bare LF, or a longer boundary: some parsers take the line for data, others do not.
    if (!startsWith(body, at, end)) throw refused('a line that begins with the boundary, but has more text');
    at += end.length;
    const next = body.indexOf(delimiter, at);
    // Truncation: lenient parsers take what is there for a whole body.
    if (next === -1) throw refused('no final boundary');
    const last = next - end.length;
    // Of a body in LF, a CR before a boundary is data to some parsers, and the end of the line to others.
    const isMixed = lineEnd === LF && startsWith(body, next - CRLF.length, Buffer.from(CRLF));
    if (last < at || !startsWith(body, last, end) || isMixed)
      throw refused('the boundary within a line, or after another line break than the rest');
    // A part without headers starts with the empty line that ends them.
    yield readPart(body, at, last, lineEnd);
    at = next;
  }
  for (at += 2; at < body.length; at += end.length) {
    if (!startsWith(body, at, end)) throw refused('something after its final boundary');
  }
}

/** @throws Problem `bad-body` for a part whose data is not what it stands for, or has parts of its own */
export function assertPlain({ headers, type }: MimePart): void {
  const coding = headers.get('content-transfer-encoding');
  if (coding !== undefined && !PLAIN_CODINGS.has(coding.toLowerCase())) {
    throw refused('a part with Content-Transfer-Encoding; send its bytes as they are');
  }
  if (headers.has('content-encoding')) throw refused('a part with Content-Encoding; send its bytes as they are');
  if (type !== null && /^(?:multipart|message)\//i.test(type)) throw refused('a multipart or a message within a part');
}

/** The parameters of a multipart type, by name in lower case. @throws Problem `bad-body` */
export function parametersOf(contentType: string): ReadonlyMap<string, string> {
  const parameters = MEDIA_TYPE.exec(contentType)?.[1];
  if (parameters === undefined) throw refused('a Content-Type whose parameters cannot be read');
  const found = new Map<string, string>();
  for (const [, spelling, token, text] of parameters.matchAll(PARAMETER)) {
    const name = spelling!.toLowerCase();
    // Boundary confusion: of two boundaries, one parser takes the first, another the last.
    if (found.has(name) || name.includes('*')) {
      throw refused('a Content-Type with the same parameter twice, or an extended one');
    }
    found.set(name, token ?? text!);
  }
  return found;
}

function boundaryOf(contentType: string): string {
  const boundary = parametersOf(contentType).get('boundary');
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw refused('no usable boundary in Content-Type');
  return boundary;
}

/** Whether the first line ends in LF alone. */
function isLineFed(body: Buffer, delimiter: Buffer): boolean {
  return startsWith(body, 0, Buffer.from(LF)) || startsWith(body, delimiter.length, Buffer.from(LF));
}

function readPart(body: Buffer, start: number, end: number, lineEnd: string): MimePart {
  const blank = body.subarray(start, Math.min(end, start + MAX_HEAD)).indexOf(lineEnd + lineEnd);
  if (blank === -1) throw refused(`a part whose headers do not end within ${MAX_HEAD} bytes`);
  const head = body.subarray(start, start + blank);
  if (!isUtf8(head)) throw refused('a part whose headers are not UTF-8');
  const data = body.subarray(start + blank + 2 * lineEnd.length, end);
  const headers = readHeaders(head.toString('utf8'), lineEnd);

  const length = headers.get('content-length');
  if (length !== undefined && length !== String(data.length)) throw refused('a part of another Content-Length');
  return { headers, type: headers.get('content-type') ?? null, data };
}

function readHeaders(head: string, lineEnd: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split(lineEnd)) {
    // A folded line continues the last one to some parsers. A bare CR or LF ends the line to others.
    if (CONTROL.test(line)) throw refused('a control character or a bare line break in a header of a part');
    const match = HEADER.exec(line);
    if (match === null) throw refused('a header of a part that is folded or has no name');
    const name = match[1]!.toLowerCase();
    if (headers.has(name)) throw refused(`the header ${name} twice in one part`);
    headers.set(name, withoutSpaceAround(match[2]!));
  }
  return headers;
}

function withoutSpaceAround(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && ' \t'.includes(text[start]!)) start++;
  while (start < end && ' \t'.includes(text[end - 1]!)) end--;
  return text.slice(start, end);
}

function startsWith(body: Buffer, at: number, text: Buffer): boolean {
  return at >= 0 && body.subarray(at, at + text.length).equals(text);
}

function refused(what: string): Problem {
  return new Problem('bad-body', {
    detail: `The multipart body has ${what}. Correct it and send the call again.`,
  });
}
