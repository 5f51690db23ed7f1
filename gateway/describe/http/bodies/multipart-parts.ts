import { isUtf8 } from 'node:buffer';
import { Problem } from '../../../domain/problem.ts';

/** One part of a `multipart/form-data` body. */
export type Part = {
  readonly name: string;
  /** Null when the part states none. */
  readonly filename: string | null;
  /** The part's Content-Type, as written. */
  readonly type: string | null;
  readonly data: Buffer;
};

const CRLF = Buffer.from('\r\n');
const BLANK_LINE = Buffer.from('\r\n\r\n');
/** Bytes of one part's headers. */
const MAX_HEAD = 8 * 1024;

/** `multipart/form-data` with its parameters, each a token or in quotes without escapes. */
const MEDIA_TYPE = /^multipart\/form-data((?:[ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~-]+|"[^"\\]*"))*);?$/i;
const PARAMETER = /[ \t]*;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"([^"\\]*)")/gy;
/** RFC 2046 section 5.1.1, without the space. */
const BOUNDARY = /^[\w'()+,./:=?-]{1,70}$/;
const HEADER = /^([\w!#$%&'*+.^`|~-]+):(.*)$/s;
const DISPOSITION =
  /^form-data((?:[ \t]*;[ \t]*[\w!#$%&'*+.^`|~-]+=(?:[\w!#$%&'*+.^`|~=?\u0080-\u{10ffff}-]+|"[^"\\]*"))+)$/isu;
const DISPOSITION_PARAMETER =
  /[ \t]*;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~=?\u0080-\u{10ffff}-]+)|"([^"\\]*)")/guy;
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
/** Codings that leave the bytes as they are (RFC 2045 section 6.2). */
const PLAIN_CODINGS = new Set(['7bit', '8bit', 'binary']);

/**
 * The parts of a `multipart/form-data` body. Stricter than any server: what two parsers could read as different parts,
 * names or data is refused. Every line ends in CRLF, nothing stands before the first boundary or after the last, and no
 * header is folded, encoded or repeated.
 * @throws Problem `bad-body`
 */
export function* readParts(body: Buffer, contentType: string): Generator<Part> {
  const delimiter = Buffer.from(`--${boundaryOf(contentType)}`);
  // Some clients send an empty line first (RFC 2046: an empty preamble).
  let at = startsWith(body, 0, CRLF) ? 2 : 0;
  if (!startsWith(body, at, delimiter)) throw refused('something before its first boundary, or another boundary');
  for (;;) {
    at += delimiter.length;
    if (startsWith(body, at, Buffer.from('--'))) break;
    // Padding after a boundary, a bare LF, or a longer boundary: some parsers take the line for data, others do not.
    if (!startsWith(body, at, CRLF)) throw refused('a line that begins with the boundary, but has more text');
    at += 2;
    const next = body.indexOf(delimiter, at);
    // Truncation: lenient parsers take what is there for a whole body.
    if (next === -1) throw refused('no final boundary');
    if (!startsWith(body, next - 2, CRLF) || next - 2 < at)
      throw refused('the boundary within a line, or after a bare LF');
    // A part without headers starts with the empty line that ends them.
    yield readPart(body, at, next - 2);
    at = next;
  }
  for (at += 2; at < body.length; at += 2) {
    if (!startsWith(body, at, CRLF)) throw refused('something after its final boundary');
  }
}

function boundaryOf(contentType: string): string {
  const parameters = MEDIA_TYPE.exec(contentType)?.[1];
  if (parameters === undefined) throw refused('a Content-Type whose parameters cannot be read');
  const found = [...parameters.matchAll(PARAMETER)].map(([, name, token, text]) => ({
    name: name!.toLowerCase(),
    value: token ?? text!,
  }));
  // Boundary confusion: of two boundaries, one parser takes the first, another the last.
  if (found.some(({ name }, i) => found.findIndex((each) => each.name === name) !== i || name.includes('*'))) {
    throw refused('a Content-Type with the same parameter twice, or an extended one');
  }
  const boundary = found.find(({ name }) => name === 'boundary')?.value;
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw refused('no usable boundary in Content-Type');
  return boundary;
}

function readPart(body: Buffer, start: number, end: number): Part {
  const blank = body.subarray(start, Math.min(end, start + MAX_HEAD)).indexOf(BLANK_LINE);
  if (blank === -1) throw refused(`a part whose headers do not end within ${MAX_HEAD} bytes`);
  const head = body.subarray(start, start + blank);
  if (!isUtf8(head)) throw refused('a part whose headers are not UTF-8');
  const data = body.subarray(start + blank + 4, end);
  const headers = readHeaders(head.toString('utf8'));

  const coding = headers.get('content-transfer-encoding');
  if (coding !== undefined && !PLAIN_CODINGS.has(coding.toLowerCase())) {
    throw refused('a part with Content-Transfer-Encoding; send its bytes as they are');
  }
  if (headers.has('content-encoding')) throw refused('a part with Content-Encoding; send its bytes as they are');
  const length = headers.get('content-length');
  if (length !== undefined && length !== String(data.length)) throw refused('a part of another Content-Length');
  const type = headers.get('content-type') ?? null;
  if (type !== null && /^(?:multipart|message)\//i.test(type)) throw refused('a multipart or a message within a part');
  return { ...readDisposition(headers.get('content-disposition')), type, data };
}

function readHeaders(head: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n')) {
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

function readDisposition(value: string | undefined): { readonly name: string; readonly filename: string | null } {
  const parameters = DISPOSITION.exec(value ?? '')?.[1];
  if (parameters === undefined) {
    throw refused(
      'a part without a plain `Content-Disposition: form-data; name="…"`; percent-encode quotes and backslashes',
    );
  }
  const found = new Map<string, string>();
  for (const [, spelling, token, text] of parameters.matchAll(DISPOSITION_PARAMETER)) {
    const name = spelling!.toLowerCase();
    if (found.has(name)) throw refused(`${name} twice in one Content-Disposition`);
    found.set(name, token ?? text!);
  }
  const name = found.get('name');
  // Some parsers decode these escapes of browsers (WHATWG), others do not: two names.
  if (name === undefined || name === '' || /%(?:22|0d|0a)/i.test(name)) throw refused('a part without a plain name');
  const filename = found.get('filename') ?? null;
  // .NET sends both. RFC 7578 section 4.2 forbids the second, so parsers take either.
  const extended = found.get('filename*');
  if (extended !== undefined && decoded(extended) !== filename) throw refused('filename* that is not the filename');
  const other = [...found.keys()].find((each) => each.includes('*') && each !== 'filename*');
  if (other !== undefined) throw refused(`the parameter ${other} in Content-Disposition`);
  return { name, filename };
}

/** The value of an extended parameter (RFC 8187) in UTF-8; null if it is not one. */
function decoded(value: string): string | null {
  const match = /^utf-8'[\w-]*'(.*)$/is.exec(value);
  if (match === null) return null;
  try {
    return decodeURIComponent(match[1]!);
  } catch {
    return null;
  }
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
