import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertHarmlessPath, splitTarget } from '../../../../gateway/describe/http/path.ts';
import { problemOf } from './arrival.ts';

const REFUSED: readonly [sentence: string, path: string, detail: RegExp][] = [
  ['a dot segment', '/v1/../admin', /dot segment/],
  ['a dot segment at the end', '/v1/..', /dot segment/],
  ['a single dot', '/v1/./refunds', /dot segment/],
  ['a single dot at the end', '/v1/.', /dot segment/],
  ['an encoded dot segment', '/v1/%2e%2e/admin', /dot segment/],
  ['a half encoded dot segment', '/v1/.%2E/admin', /dot segment/],
  ['an encoded single dot', '/v1/%2e/admin', /dot segment/],
  ['a dot segment encoded twice', '/v1/%252e%252e/admin', /dot segment/],
  ['a dot segment encoded three times', '/v1/%25252e%25252e/admin', /dot segment/],
  ['a dot segment with its digits encoded', '/v1/%25%32%65%25%32%65/admin', /dot segment/],
  ['a path encoded ten times', `/v1/${'%25'.repeat(10)}%33${'3'.repeat(10)}`, /too many times/],
  ['a dot segment after an encoded slash', '/v1/files%2f..%2fsecret', /dot segment/],
  ['a dot segment before an encoded slash', '/v1/..%2fsecret', /dot segment/],
  ['a dot segment before a backslash', '/v1/..%5cadmin', /dot segment/],
  ['a dot segment before a slash encoded twice', '/v1/..%252fadmin', /dot segment/],
  ['a dot segment before a backslash encoded twice', '/v1/..%255cadmin', /dot segment/],
  ['a dot segment next to Latin-1', '/v1/..%2f%e9', /dot segment/],
  ['an overlong dot', '/v1/%c0%ae%c0%ae/admin', /UTF-8/],
  ['an overlong slash', '/v1/a%c0%afb', /UTF-8/],
  ['an overlong dot of three bytes', '/v1/%e0%80%ae/admin', /UTF-8/],
  ['an overlong dot of four bytes', '/v1/%f0%80%80%ae/admin', /UTF-8/],
  ['an overlong dot encoded twice', '/v1/%25c0%25ae/admin', /UTF-8/],
  ['a backslash', '/v1/..\\admin', /backslash/],
  ['a backslash within a name', '/v1/a\\b', /backslash/],
  ['an encoded NUL', '/v1/refunds%00.json', /control/],
  ['an encoded line break', '/v1/refunds%0d%0aX: y', /character/],
  ['an encoded line break alone', '/v1/refunds%0A', /control/],
  ['a line break encoded twice', '/v1/refunds%250A', /control/],
  ['an encoded DEL', '/v1/%7f', /control/],
  ['a raw NUL', '/v1/\0', /percent-encoded/],
  ['a raw space', '/v1/a b', /percent-encoded/],
  ['a raw byte beyond ASCII', '/v1/caf\u00e9', /percent-encoded/],
  ['an invalid percent sequence', '/v1/100%', /percent sign/],
  ['a percent sequence that is not hexadecimal', '/v1/%zz', /percent sign/],
  ['an IIS percent sequence', '/v1/%u002e', /percent sign/],
  ['an IIS percent sequence encoded twice', '/v1/%25u002e', /IIS/],
  ['a dot segment with a path parameter', '/v1/..;/admin', /dot segment/],
  ['a dot segment with a path parameter of text', '/v1/..;x=1/admin', /dot segment/],
  ['a dot segment with an encoded path parameter', '/v1/..%3Bx/admin', /dot segment/],
  ['a dot segment before an encoded question mark', '/v1/..%3Fx/admin', /dot segment/],
  ['full-width dots', '/v1/%ef%bc%8e%ef%bc%8e/admin', /dot segment/],
  ['a two dot leader', '/v1/%e2%80%a5/admin', /dot segment/],
  ['a dot segment after a full-width slash', '/v1/a%ef%bc%8f..', /dot segment/],
  ['a fragment', '/v1/refunds#x', /fragment/],
  ['a path without a slash', 'v1/refunds', /start with a slash/],
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
  '/v1/files%2fname',
  '/v1/files%5Cname',
  '/v1//refunds',
  '//v1/refunds',
  '/v1/refunds//',
  '/v1/;x/refunds',
  '/v1/a%ef%bc%8fb',
  '/v1/%72efunds/%2Dx%7E/a%2Eb',
  '/v1/caf%E9',
  '/v1/50%2525ff',
  '/v1/a..b/..c/d..',
];

describe('harmless paths', () => {
  test.each(REFUSED)('a path with this ambiguity is refused: %s', (_, path, detail) => {
    const problem = problemOf(() => assertHarmlessPath(path));
    expect(problem.code).toBe('ambiguous-path');
    expect(problem.message).toMatch(detail);
  });

  test.each(ACCEPTED)('the path %s is accepted', (path) => {
    expect(assertHarmlessPath(path)).toBeUndefined();
  });

  test('every printable ASCII character may be encoded within a name', () => {
    const printable = Array.from({ length: 0x5f }, (_, index) => (0x20 + index).toString(16));
    for (const hex of printable) expect(assertHarmlessPath(`/v1/a%${hex}b`)).toBeUndefined();
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
      '#',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/v1/${pieces.join('')}`;
        try {
          assertHarmlessPath(path);
        } catch {
          return;
        }
        expect(new URL(`http://host${path}`).pathname).toBe(path);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('request targets', () => {
  test('a target is split at the first question mark', () => {
    expect(splitTarget('/v1/refunds?a=b?c/../d')).toEqual({ path: '/v1/refunds', query: 'a=b?c/../d' });
    expect(splitTarget('/v1/refunds?')).toEqual({ path: '/v1/refunds', query: '' });
    expect(splitTarget('/v1/refunds')).toEqual({ path: '/v1/refunds', query: '' });
  });

  test('a target without a path has the path of a slash', () => {
    expect(splitTarget('')).toEqual({ path: '/', query: '' });
    expect(splitTarget('?a=b')).toEqual({ path: '/', query: 'a=b' });
  });

  test.each(['/v1?a=b#c', '/v1?a=b c', '/v1?a=\u00e9', '/v1?a=\0', '/v1?a=\x7f'])(
    'the query of the target %j is refused',
    (target) => {
      expect(problemOf(() => splitTarget(target)).code).toBe('bad-request');
    },
  );
});
