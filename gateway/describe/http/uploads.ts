import type { System, Upload } from '../../domain/system.ts';
import { readPath } from './path-readings.ts';
import { splitTarget } from './path.ts';
import { decodeSegment } from './percent.ts';

/** Whether a call is an upload. @throws Problem `ambiguous-path` or `bad-request`, as for any call */
export type IsUpload = (method: string, target: string) => boolean;

/**
 * Tells the calls of a system whose body is content to store. What a system could read as another call is none, so that
 * its body is judged.
 * @returns null for a system without uploads
 */
export function createUploads({ uploads = [], path: rules, upstream }: System): IsUpload | null {
  if (uploads.length === 0) return null;
  const isWholePath = upstream.pathname === '/';
  return (method, target) => {
    const named = uploads.filter((upload) => upload.method === method);
    if (named.length === 0) return false;
    const { path, query } = splitTarget(target);
    const readings = readPath(path, rules, isWholePath);
    return named.some((upload) => hasOnly(query, upload) && readings.every((segments) => isAt(segments, upload)));
  };
}

function isAt(segments: readonly string[], { segments: named, hasRest }: Upload): boolean {
  const rest = segments.slice(named.length);
  if (hasRest ? !rest.some((segment) => segment !== '') : rest.length > 0) return false;
  return named.every((name, i) => (name === null ? (segments[i] ?? '') !== '' : segments[i] === name));
}

function hasOnly(query: string, { query: names }: Upload): boolean {
  if (names === null || query === '') return true;
  return query.split('&').every((pair) => names.includes(decodeSegment(pair.split('=', 1)[0]!)) && !pair.includes(';'));
}
