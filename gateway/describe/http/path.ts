import { Problem } from '../../domain/problem.ts';
import type { Readings } from './readings.ts';

/**
 * Segments of unreserved characters and sub-delimiters (RFC 3986), none empty or a dot segment. Nearly all calls match.
 */
const PLAIN = /^\/(?:(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+(?:\/(?!\.{1,2}(?:\/|$))[\w\-.~!$&'()*+,=:@]+)*\/?)?$/;
const PLAIN_QUERY = /^[!-"$-~]*$/;

type Target = {
  readonly path: string;
  /** Without its question mark; empty when there is none. */
  readonly query: string;
};

/**
 * Splits an origin-form request target.
 * @throws Problem `ambiguous-path` when the path could name another resource upstream; `bad-request` for a query with
 *   characters that do not belong there
 */
export function splitTarget(target: string): Target {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  assertPlainPath(path);
  // A fragment never belongs on the wire: one server strips it, another reads it as part of the query.
  if (!PLAIN_QUERY.test(query)) {
    throw new Problem('bad-request', {
      detail: 'Percent-encode every character of the query that is not a printable ASCII character.',
    });
  }
  return { path, query };
}

/**
 * Refuses a path that another server could normalise differently (path traversal and its encodings). Every server reads
 * an accepted path the same way, so the call that is judged is the call that is made.
 * @throws Problem `ambiguous-path`; its detail names the trick
 */
export function assertPlainPath(path: string): void {
  if (!PLAIN.test(path)) assertHarmless(path);
}

function assertHarmless(path: string): void {
  if (path.charCodeAt(0) !== 47) throw ambiguous('it must start with a slash');
  if (path.includes('\\')) throw ambiguous('it has a backslash, which some servers read as a slash');
  if (path.includes('#')) throw ambiguous('it has a fragment');
  if (!/^[!-~]*$/.test(path)) throw ambiguous('it has a character that must be percent-encoded');
  if (/%(?![0-9a-f]{2})/i.test(path)) throw ambiguous('it has a percent sign without two hexadecimal digits');
  // Double encoding: an upstream that decodes again would turn %252e into a dot.
  if (/%25[0-9a-f]{2}/i.test(path)) throw ambiguous('it is percent-encoded twice');
  if (/%(?:2f|5c)/i.test(path)) throw ambiguous('it has an encoded slash or backslash');
  // NUL truncation and CRLF injection.
  if (/%(?:[01][0-9a-f]|7f)/i.test(path)) throw ambiguous('it has an encoded control character');
  // RFC 3986 section 6.2.2.2: every server reads %72efunds as refunds, but a rule would not. The same goes for %2e.
  if (/%(?:2[de]|3\d|[46][1-9a-f]|[57]\d|[57]a|5f|7e)/i.test(path)) {
    throw ambiguous('it has a needlessly percent-encoded letter, digit, dot, dash, underscore or tilde');
  }
  const segments = path.slice(1).split('/');
  for (const [index, segment] of segments.entries()) {
    assertHarmlessSegment(segment, index === segments.length - 1);
  }
}

function assertHarmlessSegment(segment: string, last: boolean): void {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch (cause) {
    // Overlong encodings such as %c0%ae for a dot.
    throw ambiguous('it is not valid UTF-8', cause);
  }
  // Compatibility forms (U+FF0E, U+2025, U+FF0F) become dots and slashes on servers that map them to ASCII.
  const compatible = decoded.normalize('NFKC');
  if (compatible !== decoded && /[/\\]/.test(compatible)) throw ambiguous('it has a slash look-alike');
  // Servlet containers strip path parameters first: `..;x` is a dot segment there, and `;x` an empty one.
  const name = compatible.split(';', 1)[0];
  if (name === '.' || name === '..') throw ambiguous('it has a dot segment');
  if (name === '' && !(last && segment === '')) throw ambiguous('it has a double slash or an empty segment');
}

/** How systems may read a path that `assertPlainPath` accepted: its percent-decoded segments. */
export function readPath(path: string): Readings<readonly string[]> {
  return [decodeSegments(path)];
}

/** The percent-decoded segments of a path that `assertPlainPath` accepted; a trailing slash adds none. */
export function decodeSegments(path: string): string[] {
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  return path.includes('%') ? segments.map(decodeURIComponent) : segments;
}

function ambiguous(what: string, cause?: unknown): Problem {
  return new Problem('ambiguous-path', { detail: `The path is ambiguous: ${what}. Send a plain path.`, cause });
}
