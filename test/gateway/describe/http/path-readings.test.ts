import { isDeepStrictEqual as isEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertHarmlessPath } from '../../../../gateway/describe/http/path.ts';
import { pathOf, readPath } from '../../../../gateway/describe/http/path-readings.ts';

type Rules = Parameters<typeof readPath>[1];

describe('paths with one reading', () => {
  test.each<[sentence: string, path: string, segments: string[]]>([
    ['a plain path', '/v1/refunds', ['v1', 'refunds']],
    ['the root', '/', []],
    ['a trailing slash, which adds no segment', '/v1/refunds/', ['v1', 'refunds']],
    ['an encoded space', '/v1/a%20b', ['v1', 'a b']],
    ['an encoded tilde of older Java clients (nginx-s3-gateway#578)', '/%7Eme/x', ['~me', 'x']],
    ['encoded dots and dashes of OAuth libraries (gitlab-org/gitlab#20955)', '/lib%2Eclass%2Drb', ['lib.class-rb']],
    ['encoded letters', '/v1/%72efunds', ['v1', 'refunds']],
    ['an encoded percent sign', '/v1/100%25', ['v1', '100%']],
    ['UTF-8', '/v1/caf%C3%A9', ['v1', 'café']],
    ['Latin-1 of older servers (RFC 3986 section 2.5)', '/v1/caf%E9', ['v1', 'café']],
    ['a full-width slash in a title such as AC／DC', '/v1/AC%EF%BC%8FDC', ['v1', 'AC／DC']],
  ])('%s', (_, path, segments) => {
    expect(readPath(path)).toEqual([segments]);
  });
});

describe('paths with several readings', () => {
  test.each<[sentence: string, path: string, readings: string[][]]>([
    [
      'an encoded slash is data or a separator',
      '/repos/o/r/contents/src%2Findex.ts',
      [
        ['repos', 'o', 'r', 'contents', 'src/index.ts'],
        ['repos', 'o', 'r', 'contents', 'src', 'index.ts'],
      ],
    ],
    ['an encoded backslash is data or a separator', '/a%5Cb', [['a\\b'], ['a', 'b']]],
    [
      'a server that splits at slashes may not split at backslashes',
      '/a%2Fb%5Cc',
      [['a/b\\c'], ['a', 'b\\c'], ['a', 'b', 'c']],
    ],
    [
      'an S3 key with %2F in its own name (aws-sigv4-proxy#246)',
      '/key%252Fname',
      [['key%2Fname'], ['key/name'], ['key', 'name']],
    ],
    ['a letter encoded twice', '/%2561dmin', [['%61dmin'], ['admin']]],
    ['a letter with its digits encoded', '/%25%36%31dmin', [['%61dmin'], ['admin']]],
    [
      'an empty segment is kept or merged',
      '/a//b',
      [
        ['a', '', 'b'],
        ['a', 'b'],
      ],
    ],
    ['an empty segment at the end is kept or merged', '/a//', [['a', ''], ['a']]],
    ['two slashes at the start may also begin a host', '//a/b', [['', 'a', 'b'], ['a', 'b'], ['b']]],
    [
      'path parameters are kept or stripped',
      '/admin;x=1/users',
      [
        ['admin;x=1', 'users'],
        ['admin', 'users'],
      ],
    ],
    ['encoded path parameters are kept or stripped', '/admin%3Bx', [['admin;x'], ['admin']]],
    [
      'a segment of path parameters alone may become empty',
      '/v1/;x/refunds',
      [
        ['v1', ';x', 'refunds'],
        ['v1', '', 'refunds'],
        ['v1', 'refunds'],
      ],
    ],
  ])('%s', (_, path, readings) => {
    expect(readPath(path)).toEqual(readings);
  });
});

describe('declared systems', () => {
  test.each<[sentence: string, rules: Rules, path: string, readings: string[][]]>([
    ['encoded slashes are data', { encodedSlash: 'data' }, '/a%2Fb%5Cc', [['a/b\\c']]],
    ['encoded slashes are separators', { encodedSlash: 'separator' }, '/a%2Fb', [['a', 'b']]],
    ['empty segments are kept', { emptySegments: 'keep' }, '//a//b', [['', 'a', '', 'b']]],
    ['empty segments are merged', { emptySegments: 'merge' }, '//a//b//', [['a', 'b']]],
    ['a slash encoded twice stays data', { encodedSlash: 'data' }, '/a%252Fb', [['a%2Fb'], ['a/b']]],
  ])('%s', (_, rules, path, readings) => {
    expect(readPath(path, rules)).toEqual(readings);
  });

  test('a path below the path of an upstream begins no host', () => {
    expect(readPath('//a/b', {}, false)).toEqual([
      ['', 'a', 'b'],
      ['a', 'b'],
    ]);
  });

  test('reading stops at the given number of readings', () => {
    expect(readPath('/a%2Fb;c//d%252Fe', {}, true, 5)).toHaveLength(5);
  });
});

/** Small models of servers. A path that one of them refuses has no segments there. */
const SERVERS: Readonly<Record<string, (path: string) => string[] | null>> = {
  'Go url.Path: the whole path decoded, then split': (path) => decode(path)?.split('/') ?? null,
  'Go url.RawPath: split, each segment decoded': (path) => each(path.split('/'), decode),
  'Express: split, decodeURIComponent of each segment': (path) => each(path.split('/'), decode),
  'WSGI: the whole path unquoted, split': (path) => decode(path)?.split('/') ?? null,
  'servlet: path parameters stripped, then decoded, then split': (path) =>
    decode(path.replace(/;[^/]*/g, ''))?.split('/') ?? null,
  'Spring: path parameters stripped, each segment decoded': (path) =>
    each(path.replace(/;[^/]*/g, '').split('/'), decode),
  'nginx merge_slashes: the whole path decoded, slashes merged': (path) =>
    decode(path)?.replace(/\/+/g, '/').split('/') ?? null,
  'nginx that decodes in front of a server that decodes': (path) => {
    const once = decode(path);
    return once === null || /%(?![0-9a-f]{2})/i.test(once) ? null : (decode(once)?.split('/') ?? null);
  },
  'nginx that decodes in front of Spring': (path) => {
    const once = decode(path);
    return once === null || /%(?![0-9a-f]{2})/i.test(once)
      ? null
      : each(once.replace(/;[^/]*/g, '').split('/'), decode);
  },
  'Node: new URL(request.url, base), each segment decoded': (path) =>
    URL.canParse(path, 'http://base') ? each(new URL(path, 'http://base').pathname.split('/'), decode) : null,
  'IIS: the whole path decoded, backslashes are slashes': (path) => decode(path)?.split(/[/\\]/) ?? null,
};

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function each(segments: string[], read: (segment: string) => string | null): string[] | null {
  const found = segments.map(read);
  return found.includes(null) ? null : (found as string[]);
}

/** Without the empty text before the first slash and after the last one. */
function named(segments: string[]): string[] {
  const below = segments.slice(1);
  return below.at(-1) === '' ? below.slice(0, -1) : below;
}

const PIECES = ['/', '/', '/', 'a', 'B1', '.', '~', '%2F', '%2f', '%5C', '%25', '2F', '61', '%61', ';', '%3B', 'x=1', '%20', '%C3%A9', '%7E']; // prettier-ignore
const somePath = fc.array(fc.constantFrom(...PIECES), { maxLength: 9 }).map((pieces) => `/${pieces.join('')}`);

test.each(Object.entries(SERVERS))('policy judges what a server reads: %s', (_name, server) => {
  const isHarmless = (path: string) => {
    try {
      return assertHarmlessPath(path) === undefined;
    } catch {
      return false;
    }
  };
  const judged = somePath.filter((path) => isHarmless(path) && server(path) !== null);
  fc.assert(
    fc.property(judged, (path) => readPath(path).some((segments) => isEqual(segments, named(server(path)!)))),
    { numRuns: 3000 },
  );
  expect(fc.sample(judged, 1)).toHaveLength(1);
});

test('the path of a reading reads as that reading', () => {
  const names = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => /^[^.;%/\\]+$/.test(text)));
  fc.assert(fc.property(names, (segments) => isEqual(readPath(pathOf(segments, '/other'))[0], segments)));
  expect(pathOf(['a/b', 'c?d#e', '50%'], '/x/')).toBe('/a%2Fb/c%3Fd%23e/50%25/');
  expect(pathOf(['a/b'], '/%61%2fb')).toBe('/a%2fb');
});

test('names that were encoded once come back as the first reading', () => {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/\p{Cc}/u.test(text) && !/(?:^|[/\\])\.{1,2}(?:[/\\;?#]|$)/.test(text.normalize('NFKC')))
    .filter((text) => !/%(?:[01][0-9a-f]|7f|25|u|2e|5c|2f|c0|c1|e0|f0)/i.test(text));
  fc.assert(
    fc.property(fc.array(name), (names) => {
      const path = `/${names.map(encodeURIComponent).join('/')}`;
      assertHarmlessPath(path);
      expect(readPath(path)[0]).toEqual(names);
    }),
  );
});
