import { expect, test } from 'vitest';
import { createCookieRewriter } from '../../../../gateway/enforce/links/cookies.ts';
import { systemAt } from '../../../helpers/bare-system.ts';

const HTTP = 'http://gw.example/pay';
const HTTPS = 'https://gw.example/pay';

const system = systemAt('https://api.example.com/base', {
  upstreamHosts: [{ url: new URL('https://up.example.com/files') }],
});
const rewrite = createCookieRewriter(system);

test.each([
  ['a cookie for the whole host', 'a=1; Path=/', HTTPS, '/x', 'a=1; Path=/pay'],
  ['a cookie for the path of the upstream', 'a=1; path=/base/', HTTPS, '/x', 'a=1; Path=/pay'],
  ['a cookie for a part of the system', 'a=1; Path=/base/v1/', HTTPS, '/x', 'a=1; Path=/pay/v1/'],
  ['a cookie for another part of the host', 'a=1; Path=/other', HTTPS, '/x', null],
  ['a cookie for a path that only begins alike', 'a=1; Path=/based', HTTPS, '/x', null],
  ['the last of several paths', 'a=1; Path=/other; Path=/base/b', HTTPS, '/x', 'a=1; Path=/pay/b'],
  ['a cookie without a path, below the system', 'a=1', HTTPS, '/x/y', 'a=1'],
  ['a cookie without a path, from the system itself', 'a=1', HTTPS, '?q=/', 'a=1; Path=/pay'],
  ['a path that is none', 'a=1; Path=v1', HTTPS, '', 'a=1; Path=/pay'],
  ['a cookie for a domain', 'a=1; Domain=.example.com; HttpOnly; Path=/', HTTPS, '/x', 'a=1; HttpOnly; Path=/pay'],
  ['attributes over https', 'a=1; Secure; SameSite=None', HTTPS, '/x', 'a=1; Secure; SameSite=None'],
  [
    'attributes over http',
    'a=1; Secure; Partitioned; SameSite=None; Max-Age=5; SameSite=Lax',
    HTTP,
    '/x',
    'a=1; Max-Age=5; SameSite=Lax',
  ],
  ['a value with an equals sign and quotes', 'a="x=y"; Path=/', HTTPS, '/x', 'a="x=y"; Path=/pay'],
  ['an address of its own', 'a=1; Path=/base/v1', 'https://pay.example', '/x', 'a=1; Path=/v1'],
  ['an address of its own, for the whole host', 'a=1; Path=/', 'https://pay.example', '/x', 'a=1; Path=/'],
  ['a further host', 'a=1; Path=/', HTTPS, '/~up.example.com/x', 'a=1; Path=/pay/~up.example.com'],
  ['a part of a further host', 'a=1; Path=/files/a', HTTPS, '/~up.example.com/x', 'a=1; Path=/pay/~up.example.com/a'],
  ["a cookie with a name of Holdpoint's", 'holdpoint_session=forged; Path=/', HTTPS, '/x', null],
  ['the same with a prefix', '__Host-Holdpoint-Session=forged; Path=/', HTTPS, '/x', null],
  ['the same as the value of a cookie without a name', '=holdpoint_session=forged; Path=/', HTTPS, '/x', null],
])('Set-Cookie: %s', (_what, cookie, base, target, expected) => {
  expect(rewrite(cookie, base, target)).toBe(expected);
});

test('a caller that cannot reach the system at its address gets no cookie of it', () => {
  expect(rewrite('a=1', null, '/x')).toBeNull();
});
