import { Problem } from '../../domain/problem.ts';
import { decodeSegment, decodeTwice, withoutNeedlessEncoding } from './percent.ts';

/**
 * Segments of unreserved characters and sub-delimiters (RFC 3986), none empty or a dot segment. Nearly all calls match.
 */
const PLAIN = /^\/(?:(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+(?:\/(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+)*\/?)?$/;
const PLAIN_QUERY = /^[!-"$-~]*$/;
/** Honest clients encode once or twice. Each level costs a pass over the path. */
const MAX_ENCODINGS = 8;

type Target = {
  /** As received; `/` where there is none. */
  readonly path: string;
  /** Without its question mark; empty when there is none. */
  readonly query: string;
};

/**
 * Splits the target of a call. Its path may be empty: the call is then for the upstream's own path.
 * @throws Problem `ambiguous-path` when the path could leave its place upstream; `bad-request` for a query with
 *   characters that do not belong there
 */
export function splitTarget(target: string): Target {
  const mark = target.indexOf('?');
  const path = (mark === -1 ? target : target.slice(0, mark)) || '/';
  const query = mark === -1 ? '' : target.slice(mark + 1);
  assertHarmlessPath(path);
  // A fragment never belongs on the wire: one server strips it, another reads it as part of the query.
  if (!PLAIN_QUERY.test(query)) {
    throw new Problem('bad-request', {
      detail: 'Percent-encode every character of the query that is not a printable ASCII character.',
    });
  }
  return { path, query };
}

/**
 * Refuses a path that has no honest use: one with a dot segment or a control character in any reading, or one that no
 * standard allows. Every other path is judged in each way in which systems may read it.
 * @throws Problem `ambiguous-path`; its detail names the trick
 */
export function assertHarmlessPath(path: string): void {
  if (PLAIN.test(path)) return;
  if (path.charCodeAt(0) !== 47) throw ambiguous('it must start with a slash');
  if (path.includes('\\')) throw ambiguous('it has a backslash, which some servers read as a slash');
  if (path.includes('#')) throw ambiguous('it has a fragment');
  if (!/^[!-~]*$/.test(path)) throw ambiguous('it has a character that must be percent-encoded');
  if (/%(?![0-9a-f]{2})/i.test(path)) throw ambiguous('it has a percent sign without two hexadecimal digits');
  const decoded = decodeToTheEnd(path);
  // NUL truncation and CRLF injection.
  if (/%(?:[01][0-9a-f]|7f)/i.test(decoded)) throw ambiguous('it has an encoded control character');
  // A lenient UTF-8 decoder reads %c0%ae as a dot (Unicode TR 36, section 3.1).
  if (/%c[01]%[89ab]|%e0%8[01]|%f0%80%8[01]/i.test(decoded)) throw ambiguous('it has an overlong UTF-8 sequence');
  if (/%25u[0-9a-f]{4}/i.test(decoded)) throw ambiguous('it has a percent sequence of IIS, such as %u002e');
  if (
    decoded
      .replace(/%(?:2f|5c)/gi, '/')
      .split('/')
      .some(isDotSegment)
  )
    throw ambiguous('it has a dot segment');
}

/** The path as the most eager server decodes it, still with the escapes of characters that need one. */
function decodeToTheEnd(path: string): string {
  let text = withoutNeedlessEncoding(path);
  for (let level = 1; level < MAX_ENCODINGS; level += 1) {
    const deeper = decodeTwice(text);
    if (deeper === text) return text;
    text = deeper;
  }
  throw ambiguous('it is percent-encoded too many times');
}

function isDotSegment(segment: string): boolean {
  // Compatibility forms (U+FF0E, U+2025, U+FF0F) become dots and slashes on servers that map them to ASCII.
  const names = decodeSegment(segment).normalize('NFKC').split(/[/\\]/);
  // Servlet containers strip path parameters first: `..;x` is a dot segment there.
  return names.some((name) => /^\.{1,2}(?:[;?#]|$)/.test(name));
}

function ambiguous(what: string): Problem {
  return new Problem('ambiguous-path', { detail: `The path is ambiguous: ${what}. Send it without.` });
}
