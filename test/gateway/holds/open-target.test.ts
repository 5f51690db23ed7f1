import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isOpenPlace } from '../../../gateway/domain/open-place.ts';
import { pinnedTarget } from '../../../gateway/holds/open-target.ts';

const CONTACT = 'path:/contacts/{id}';

/** Whether a target is the same as another one in everything but these places, which both have. */
function agree(approved: string, asked: string, ...open: string[]): boolean {
  const [one, other] = [pinnedTarget(approved, open), pinnedTarget(asked, open)];
  return one.values.size === open.length && JSON.stringify(one.pinned) === JSON.stringify(other.pinned);
}

describe('an open segment', () => {
  test.each(['43', 'ana', 'cus_9sXk', 'a.b', 'ana%40example.com', 'Zo%C3%AB', 'John%20Doe', 'dGVzdA=='])(
    'an open segment may be %s',
    (id) => {
      expect(agree('/contacts/42', `/contacts/${id}`, CONTACT)).toBe(true);
    },
  );

  const others: readonly [what: string, target: string][] = [
    ['no segment', '/contacts'],
    ['an empty segment', '/contacts/'],
    ['a further segment', '/contacts/43/delete'],
    ['a segment before it', '/v2/contacts/43'],
    ['an encoded slash', '/contacts/43%2Fdelete'],
    ['an encoded slash in small letters', '/contacts/43%2fdelete'],
    ['a slash that is encoded twice', '/contacts/43%252Fdelete'],
    ['an encoded backslash', '/contacts/43%5Cdelete'],
    ['a backslash', '/contacts/43\\delete'],
    ['a dot segment', '/contacts/..'],
    ['an encoded dot segment', '/contacts/%2e%2e'],
    ['a dot', '/contacts/.'],
    ['a name that ends with a dot', '/contacts/43.'],
    ['an empty segment before it', '/contacts//43'],
    ['a trailing slash', '/contacts/43/'],
    ['path parameters', '/contacts/43;all=1'],
    ['encoded path parameters', '/contacts/43%3Ball=1'],
    ['an operation after a colon', '/contacts/43:delete'],
    ['a list', '/contacts/43,44'],
    ['a wildcard', '/contacts/*'],
    ['a name of the system', '/contacts/_all'],
    ['an encoded question mark', '/contacts/43%3Fall=1'],
    ['an encoded hash', '/contacts/43%23x'],
    ['a line break', '/contacts/43%0Ax'],
    ['NUL', '/contacts/43%00'],
    ['bytes that are no UTF-8', '/contacts/%ff'],
    ['a broken percent-encoding', '/contacts/4%3'],
    ['an unseen character', '/contacts/43%E2%80%8B'],
    ['another case of the rest', '/Contacts/43'],
    ['the rest in another encoding', '/%63ontacts/43'],
    ['a place of its own', '/contacts/{id}'],
  ];
  test.each(others)('an open segment is not %s', (_what, target) => {
    expect(agree('/contacts/42', target, CONTACT)).toBe(false);
    expect(agree(target, target, CONTACT)).toBe(false);
  });

  test('an open segment opens no query, not even an empty one', () => {
    expect(agree('/contacts/42', '/contacts/43?all=1', CONTACT)).toBe(false);
    expect(agree('/contacts/42', '/contacts/43?', CONTACT)).toBe(false);
  });

  test('two open segments are two segments, and the one between them is pinned', () => {
    const open = 'path:/a/{one}/b/{two}';
    expect(agree('/a/1/b/2', '/a/3/b/4', open)).toBe(true);
    expect(agree('/a/1/b/2', '/a/1/c/2', open)).toBe(false);
    expect(pinnedTarget('/a/1/b/2', [open]).values.get(open)).toBe('1/2');
  });

  test('no target that a server could read as another shape agrees with an open one', () => {
    const alphabet = fc.constantFrom(
      'a',
      '1',
      '/',
      '.',
      '%2F',
      '%2e',
      '%25',
      ';',
      '\\',
      '%5C',
      ':',
      '?',
      '#',
      '%00',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(alphabet, { minLength: 1, maxLength: 6 }), (parts) => {
        const id = parts.join('');
        const isPlain = /^[a1](?:(?:[a1.]|%2e)*[a1])?$/.test(id);
        expect(isPlain || !agree('/contacts/42', `/contacts/${id}`, CONTACT)).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('an open query parameter', () => {
  const open = 'query:cursor';

  test('an open parameter may have any value, and no other parameter changes', () => {
    expect(agree('/x?a=1&cursor=c1', '/x?a=1&cursor=c2', open)).toBe(true);
    expect(agree('/x?cursor=c1', '/x?cursor=a%26b%3Dc', open)).toBe(true);
    expect(agree('/x?cursor=YQ==', '/x?cursor=', open)).toBe(true);
    for (const other of ['/x?a=2&cursor=c2', '/x?cursor=c2&a=1', '/x?a=1&cursor=c2&b=1', '/x?a=1', '/y?a=1&cursor=c2'])
      expect([other, agree('/x?a=1&cursor=c1', other, open)]).toEqual([other, false]);
  });

  test.each([
    '/x?cursor=1&cursor=2',
    '/x?cursor=1;b=2',
    '/x?cursor',
    '/x?cursor=%ff',
    '/x?cursor=a%0Ab',
    '/x?cursor=1&%ff=2',
    '/x',
  ])('a parameter stays pinned where servers could read %s in two ways', (target) => {
    expect(pinnedTarget(target, [open]).values.size).toBe(0);
  });

  test('the same name in another spelling is one parameter twice', () => {
    expect(pinnedTarget('/x?cursor=1&c%75rsor=2', [open]).values.size).toBe(0);
    expect(agree('/x?page%5Bsize%5D=1', '/x?page%5Bsize%5D=2', 'query:page[size]')).toBe(true);
    expect(agree('/x?page%5Bsize%5D=1', '/x?page[size]=2', 'query:page[size]')).toBe(false);
  });
});

test('a policy names an open place as a pointer, a path with braces or a parameter', () => {
  for (const place of ['', '/amount', '/a~1b', CONTACT, 'path:/{a}/x/{b}/', 'query:cursor', 'query:page[size]'])
    expect([place, isOpenPlace(place)]).toEqual([place, true]);
  for (const place of [
    'amount',
    '/a~2',
    'path:/contacts',
    'path:contacts/{id}',
    'path:/a{id}',
    'path:/a//{id}',
    'path:',
    'query:',
    'path:/{i d}',
  ])
    expect([place, isOpenPlace(place)]).toEqual([place, false]);
});
