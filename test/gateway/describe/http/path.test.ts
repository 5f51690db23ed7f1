import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertPlainPath, decodeSegments, splitTarget } from '../../../../gateway/describe/http/path.ts';
import { problemOf } from './arrival.ts';

const REFUSED: readonly [sentence: string, path: string, detail: RegExp][] = [
  ['a dot segment', '/v1/../admin', /dot segment/],
  ['a dot segment at the end', '/v1/..', /dot segment/],
  ['a single dot', '/v1/./refunds', /dot segment/],
  ['a single dot at the end', '/v1/.', /dot segment/],
  ['an encoded dot segment', '/v1/%2e%2e/admin', /percent-encoded/],
  ['a half encoded dot segment', '/v1/.%2E/admin', /percent-encoded/],
  ['a dot segment encoded twice', '/v1/%252e%252e/admin', /encoded twice/],
  ['a dot segment encoded three times', '/v1/%25252e%25252e/admin', /encoded twice/],
  ['an overlong dot', '/v1/%c0%ae%c0%ae/admin', /UTF-8/],
  ['an encoded slash', '/v1/files%2fsecret', /slash/],
  ['an encoded slash in upper case', '/v1/files%2Fsecret', /slash/],
  ['a slash encoded twice', '/v1/files%252fsecret', /encoded twice/],
  ['a backslash', '/v1/..\\admin', /backslash/],
  ['an encoded backslash', '/v1/..%5cadmin', /backslash/],
  ['a backslash encoded twice', '/v1/..%255cadmin', /encoded twice/],
  ['an encoded NUL', '/v1/refunds%00.json', /control/],
  ['an encoded line break', '/v1/refunds%0d%0aX: y', /character/],
  ['an encoded line break alone', '/v1/refunds%0A', /control/],
  ['an encoded DEL', '/v1/%7f', /control/],
  ['a raw NUL', '/v1/\0', /percent-encoded/],
  ['a raw space', '/v1/a b', /percent-encoded/],
  ['a raw byte beyond ASCII', '/v1/caf\u00e9', /percent-encoded/],
  ['doubled slashes', '/v1//refunds', /double slash/],
  ['doubled slashes at the start', '//evil.example/v1', /double slash/],
  ['doubled slashes at the end', '/v1/refunds//', /double slash/],
  ['an invalid percent sequence', '/v1/100%', /percent sign/],
  ['a percent sequence that is not hexadecimal', '/v1/%zz', /percent sign/],
  ['an IIS percent sequence', '/v1/%u002e', /percent sign/],
  ['a dot segment with a path parameter', '/v1/..;/admin', /dot segment/],
  ['a dot segment with a path parameter of text', '/v1/..;x=1/admin', /dot segment/],
  ['a dot segment with an encoded path parameter', '/v1/..%3Bx/admin', /dot segment/],
  ['an empty segment with a path parameter', '/v1/;x/refunds', /empty segment/],
  ['an empty last segment with a path parameter', '/v1/;', /empty segment/],
  ['full-width dots', '/v1/%ef%bc%8e%ef%bc%8e/admin', /dot segment/],
  ['a two dot leader', '/v1/%e2%80%a5/admin', /dot segment/],
  ['a full-width slash', '/v1/a%ef%bc%8fb', /look-alike/],
  ['a fragment', '/v1/refunds#x', /fragment/],
  ['an encoded letter', '/v1/%72efunds', /percent-encoded/],
  ['an encoded digit', '/v%31/refunds', /percent-encoded/],
  ['an encoded underscore', '/v1/payment%5fintents', /percent-encoded/],
  ['a path without a slash', 'v1/refunds', /start with a slash/],
  ['an empty path', '', /start with a slash/],
  ['a full URL', 'http://evil.example/v1', /start with a slash/],
];

const ACCEPTED = [
  '/',
  '/v1/refunds',
  '/v1/refunds/',
  '/v1/charges/ch_3NxA/refunds',
  '/repos/octo/hello.world/contents/..gitignore',
  '/v1/.well-known/...',
  '/v1/things:batchGet',
  '/questions/1;2;3',
  "/a(b)/c,d/e=f/@me/~user/x!$&'*+",
  '/v1/caf%C3%A9/%E2%82%AC',
  '/v1/a%20b/100%25',
  '/v1/%7Bid%7D/%5Bx%5D/what%3F',
  '/v1/a|b/{c}',
];

describe('plain paths', () => {
  test.each(REFUSED)('a path with this ambiguity is refused: %s', (_, path, detail) => {
    const problem = problemOf(() => assertPlainPath(path));
    expect(problem.code).toBe('ambiguous-path');
    expect(problem.message).toMatch(detail);
  });

  test.each(ACCEPTED)('the path %s is accepted', (path) => {
    expect(assertPlainPath(path)).toBeUndefined();
  });

  test('of all printable ASCII, only encoded unreserved characters, slashes and backslashes are refused', () => {
    const printable = Array.from({ length: 0x5f }, (_, index) => String.fromCharCode(0x20 + index));
    const passes = (character: string) => {
      try {
        assertPlainPath(`/v1/a%${character.charCodeAt(0).toString(16)}b`);
        return true;
      } catch {
        return false;
      }
    };
    expect(printable.filter((character) => !passes(character)).join('')).toMatch(/^[\w\-.~/\\]+$/);
    expect(printable.filter(passes).join('')).toMatch(/^[^\w\-.~/\\]+$/);
  });

  test('every accepted path stays the same in a URL parser', () => {
    const piece = fc.constantFrom(
      '/',
      '.',
      '..',
      '%2e',
      '%2F',
      ';',
      'a',
      'B1',
      '%25',
      '%',
      '2e',
      '\\',
      '%C3%A9',
      '~',
      '?',
      '#',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join('').replaceAll('?', '')}`;
        try {
          assertPlainPath(path);
        } catch {
          return;
        }
        expect(new URL(`http://host${path}`).pathname).toBe(path);
        // Nor does another round of decoding bring up a different path.
        const decoded = decodeURIComponent(path);
        expect(decoded.split('/')).toHaveLength(path.split('/').length);
      }),
      { numRuns: 2000 },
    );
  });

  test('encoded segments are decoded', () => {
    const segment = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter(
        (text) => !/[/\\\p{Cc}]/u.test(text.normalize('NFKC')) && !/^\.{1,2}(;|$)|^;/.test(text.normalize('NFKC')),
      )
      .filter((text) => !/%[0-9a-f]{2}/i.test(text));
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const path = `/${segments.map(encodeURIComponent).join('/')}`;
        assertPlainPath(path);
        expect(decodeSegments(path)).toEqual(segments);
      }),
    );
  });
});

describe('request targets', () => {
  test('a target is split at the first question mark', () => {
    expect(splitTarget('/v1/refunds?a=b?c/../d')).toEqual({ path: '/v1/refunds', query: 'a=b?c/../d' });
    expect(splitTarget('/v1/refunds?')).toEqual({ path: '/v1/refunds', query: '' });
    expect(splitTarget('/v1/refunds')).toEqual({ path: '/v1/refunds', query: '' });
  });

  test.each(['/v1?a=b#c', '/v1?a=b c', '/v1?a=\u00e9', '/v1?a=\0', '/v1?a=\x7f'])(
    'the query of the target %j is refused',
    (target) => {
      expect(problemOf(() => splitTarget(target)).code).toBe('bad-request');
    },
  );
});

describe('decoded segments', () => {
  test('a trailing slash adds no segment', () => {
    expect(decodeSegments('/v1/refunds/')).toEqual(['v1', 'refunds']);
    expect(decodeSegments('/')).toEqual([]);
  });
});
