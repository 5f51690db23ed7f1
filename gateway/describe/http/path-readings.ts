import { isDeepStrictEqual } from 'node:util';
import type { PathRules } from '../../domain/system.ts';
import { decodeSegment, decodeTwice, withoutNeedlessEncoding } from './percent.ts';
import type { Readings } from './readings.ts';

type Segments = readonly string[];

/** What servers disagree about: path parameters, empty segments, separators in a name, and names encoded twice. */
const DISPUTED = /;|\/\/|%(?:2f|5c|3b|25%?[0-9a-f]{2})/i;

/**
 * How a system may read a path that `splitTarget` accepted: its decoded segments. What `rules` declare is read in
 * that way only. The first reading keeps encoded slashes and empty segments as data, unless declared otherwise.
 * @param isWholePath the upstream adds nothing in front of the path
 * @param most stops after this number of readings
 */
export function readPath(path: string, rules: PathRules = {}, isWholePath = true, most = Infinity): Readings<Segments> {
  if (!DISPUTED.test(path)) return [splitPath(path)];
  const found = new Map<string, Segments>();
  for (const segments of readings(path, rules, isWholePath)) {
    found.set(JSON.stringify(segments), segments);
    if (found.size === most) break;
  }
  return [...found.values()] as [Segments, ...Segments[]];
}

function* readings(path: string, rules: PathRules, isWholePath: boolean): Generator<Segments> {
  const paths = [withoutNeedlessEncoding(path)];
  // `new URL(request.url, base)`, common on Node, takes the first name after two slashes for a host.
  if (isWholePath && path.startsWith('//') && rules.emptySegments === undefined) {
    paths.push(paths[0]!.replace(/^\/+[^/]+/, '') || '/');
  }
  for (const each of paths) {
    for (const text of new Set(decodings(each, rules))) yield* splittings(text, rules);
  }
}

/** The path with a slash wherever a server splits it, and with the escapes that the server decodes after that. */
function* decodings(path: string, { encodedSlash }: PathRules): Generator<string> {
  // A server that reads an encoded slash as data does so however often it decodes.
  const afterwards = encodedSlash === 'data' ? 'data' : undefined;
  // Servlet containers strip path parameters before they decode.
  for (const text of path.includes(';') ? [path, path.replace(/;[^/]*/g, '')] : [path]) {
    for (const split of separations(text, encodedSlash)) {
      yield split;
      if (/%25[0-9a-f]{2}/i.test(split)) yield* separations(decodeTwice(split), afterwards);
    }
  }
}

function separations(text: string, encodedSlash: PathRules['encodedSlash']): string[] {
  if (encodedSlash === 'data' || !/%(?:2f|5c)/i.test(text)) return [text];
  const separated = [text.replace(/%2f/gi, '/'), text.replace(/%(?:2f|5c)/gi, '/')];
  return encodedSlash === 'separator' ? separated : [text, ...separated];
}

function* splittings(text: string, { emptySegments }: PathRules): Generator<Segments> {
  const names = text.slice(1).split('/').map(decodeSegment);
  const hasParameters = names.some((name) => name.includes(';'));
  for (const each of hasParameters ? [names, names.map((name) => name.split(';', 1)[0]!)] : [names]) {
    const kept = each.at(-1) === '' ? each.slice(0, -1) : each;
    const merged = kept.filter((name) => name !== '');
    if (emptySegments !== 'merge') yield kept;
    if (emptySegments !== 'keep') yield merged;
  }
}

function splitPath(path: string): Segments {
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  return path.includes('%') ? segments.map(decodeSegment) : segments;
}

/** The path of a reading: the path as sent, if it reads as `segments` for a server without peculiarities. */
export function pathOf(segments: Segments, sent: string): string {
  if (!sent.includes('%')) {
    const joined = `/${segments.join('/')}`;
    if (sent === joined || sent === `${joined}/`) return sent;
  } else if (isDeepStrictEqual(splitPath(sent), segments)) {
    return withoutNeedlessEncoding(sent);
  }
  const path = segments.map((name) => encodeURI(name).replace(/[/?#]/g, encodeURIComponent)).join('/');
  return `/${path}${sent.endsWith('/') && path !== '' ? '/' : ''}`;
}
