import { Problem } from '../../../domain/problem.ts';
import { validateJson } from '../../../json/validate.ts';
import { decodeLatin1 } from '../percent.ts';

const NEWLINE = 0x0a;
/** More lines than any bulk request needs. */
const MAX_LINES = 100_000;

/**
 * The lines of a newline-delimited JSON body as one JSON array; each line keeps its own text. Blank lines mean nothing.
 * @throws Problem `bad-body`, which names the line that is not one JSON value
 */
export function linesToJson(body: Buffer): string {
  const lines: string[] = [];
  let number = 0;
  for (let start = 0; start < body.length;) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    number++;
    if (number > MAX_LINES) throw refused(`The body has more than ${MAX_LINES} lines. Send it in parts.`);
    if (!isBlank(body, start, end)) lines.push(readLine(body.subarray(start, end), number));
    start = end + 1;
  }
  return `[${lines.join(',')}]`;
}

/**
 * Whether a system reads a JSON body as lines: old Elasticsearch clients send them to `_bulk` and `_msearch` as
 * `application/json`. An indented JSON value is not lines; its first line is no value.
 */
export function areLines(path: string, body: Buffer): boolean {
  // Nearly all calls end here; the regular expression is slower.
  if (!path.includes('/_') && !path.includes('%')) return false;
  if (!/\/(?:_bulk|_msearch|_msearch\/template)\/?$/.test(decodeLatin1(path))) return false;
  const newline = body.indexOf(NEWLINE);
  try {
    validateJson(newline === -1 ? body : body.subarray(0, newline));
    return true;
  } catch (reason) {
    if (reason instanceof Problem) return false;
    throw reason;
  }
}

function readLine(line: Buffer, number: number): string {
  try {
    return validateJson(line);
  } catch (reason) {
    if (!(reason instanceof Problem)) throw reason;
    throw refused(`Line ${number} is not one JSON value. ${reason.message}`);
  }
}

function isBlank(body: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = body[at]!;
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}

function refused(detail: string): Problem {
  return new Problem('bad-body', { detail });
}
