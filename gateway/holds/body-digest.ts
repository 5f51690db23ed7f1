import { createHash, hash } from 'node:crypto';
import { Problem } from '../domain/problem.ts';
import { canonicalJson, parseExactly } from '../json/exact-json.ts';
import { isJsonContent } from '../json/json-type.ts';
import { validateJson } from '../json/validate.ts';

const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;
/** In another charset the same text has other characters. */
const OTHER_CHARSET = /charset(?![ \t]*=[ \t]*"?utf-?8"?[ \t]*(?:;|$))/i;

/** Long boundaries only: a short one could cut a body into a hundred thousand parts. */
const BOUNDARY = /;[ \t]*boundary=(?:"([^"\\]{16,70})"|([^\s";,]{16,70}))[ \t]*(?=;|$)/gi;

/** Whether policy sees all that a body of this type says. */
export function isReadWhole(type: string): boolean {
  return isJsonContent(type) || FORM_TYPE.test(type);
}

/**
 * What a body means, for the digest of its call: JSON by its value, multipart by its parts, and anything else by its
 * bytes. Clients that retry may write members in another order or choose another boundary.
 */
export function bodyDigest(body: Buffer, type = ''): Record<string, string> {
  if (body.length > 0 && isJsonContent(type) && !OTHER_CHARSET.test(type)) {
    const value = canonicalValue(body);
    if (value !== null) return { json: hash('sha256', value) };
  }
  const boundary = boundaryOf(type);
  return boundary === null ? { bytes: hash('sha256', body) } : { parts: partsDigest(body, boundary.text) };
}

/** A multipart type without its boundary, which a client chooses anew; any other type as it is. */
export function withoutBoundary(type: string): string {
  const boundary = boundaryOf(type);
  return boundary === null ? type : type.replace(boundary.parameter, '');
}

/**
 * Null for what parsers may read differently, such as two members of one name. Its bytes are then compared: the body of
 * an upload is not checked before.
 */
function canonicalValue(body: Buffer): string | null {
  try {
    return canonicalJson(parseExactly(validateJson(body)));
  } catch (error) {
    if (error instanceof Problem) return null;
    throw error;
  }
}

/** Null if there is none, or more than one, of which servers may use either. */
function boundaryOf(type: string): { readonly parameter: string; readonly text: string } | null {
  if (!/^multipart\//i.test(type)) return null;
  const [found, other] = type.matchAll(BOUNDARY);
  if (!found || other || type.match(/boundary/gi)?.length !== 1) return null;
  return { parameter: found[0], text: found[1] ?? found[2]! };
}

/** SHA-256 over everything between the delimiters, with its length, so that no part can pass for two. */
function partsDigest(body: Buffer, boundary: string): string {
  const delimiter = Buffer.from(`--${boundary}`, 'latin1');
  const digest = createHash('sha256');
  for (let from = 0; from <= body.length;) {
    const at = body.indexOf(delimiter, from);
    const part = body.subarray(from, at === -1 ? body.length : at);
    digest.update(`${part.length}:`).update(part);
    if (at === -1) break;
    from = at + delimiter.length;
  }
  return digest.digest('hex');
}
