import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { send } from '../../helpers/gateway.ts';
import { openDesk, type Desk } from '../desk.ts';
import { openBrowser, type Browser } from './browser.ts';

const CONSOLE = 'https://holdpoint.example.com';

let desk: Desk;
let browser: Browser;
let host: string;
beforeEach(async () => {
  desk = await openDesk({ consoleUrl: () => new URL(`${CONSOLE}/`) });
  host = new URL(desk.url).host;
  browser = openBrowser(desk);
  await browser.signIn({ token: 'olga-token' });
});
afterEach(async () => {
  await desk.close();
});

/** A write with the cookie and these headers, and nothing else that a browser adds. */
async function write(headers: Record<string, string>, method = 'POST', path = '/api/agents/billing-bot/suspend') {
  const { cookie } = browser;
  const body = method === 'DELETE' ? {} : { body: '{}' };
  return await send(desk.url, { method, path, headers: { cookie, ...headers }, ...body });
}
const suspended = async () => (await desk.store.suspensions.list()).length > 0;

describe('a write with the cookie of a session', () => {
  test.each([
    ['of the listener itself', () => ({ origin: desk.url })],
    ['that is configured, behind a proxy that rewrites Host', () => ({ origin: CONSOLE, host: 'backend:8081' })],
    ['at localhost', () => ({ origin: 'http://localhost:8081', host: 'localhost:8081' })],
    ['at an IPv6 address', () => ({ origin: 'http://[::1]:8081', host: '[::1]:8081' })],
    ['on the port of the scheme', () => ({ origin: 'http://192.0.2.7', host: '192.0.2.7:80' })],
    ['that the browser calls its own', () => ({ 'sec-fetch-site': 'same-origin' })],
  ])('counts from a page %s', async (_where, headers) => {
    expect(await write(headers())).toMatchObject({ status: 200 });
    expect(await suspended()).toBe(true);
  });

  test.each([
    ['of another site', () => ({ origin: 'https://evil.example.com' })],
    ['on another port of the same host', () => ({ origin: 'http://127.0.0.1:9' })],
    ['of the configured host with another scheme', () => ({ origin: 'http://holdpoint.example.com' })],
    ['of a subdomain of the configured host', () => ({ origin: 'https://evil.holdpoint.example.com' })],
    ['of a host with the configured one in its name', () => ({ origin: `${CONSOLE}.evil.example.com` })],
    ['without an origin, such as a sandboxed frame', () => ({ origin: 'null' })],
    ['whose origin is no URL', () => ({ origin: '*' })],
    ['whose browser says neither origin nor site', () => ({})],
    ['of another site, in a browser that hides the origin', () => ({ 'sec-fetch-site': 'cross-site' })],
    ['on another port, in a browser that hides the origin', () => ({ 'sec-fetch-site': 'same-site' })],
    ['that the person opened directly', () => ({ 'sec-fetch-site': 'none' })],
    [
      'whose name leads to this listener (DNS rebinding)',
      () => ({
        origin: 'http://evil.example.com:8081',
        host: 'evil.example.com:8081',
        'sec-fetch-site': 'same-origin',
      }),
    ],
    [
      'whose name leads to this listener, in a browser that hides the origin',
      () => ({ host: 'evil.example.com:8081', 'sec-fetch-site': 'same-origin' }),
    ],
    [
      'whose name looks like an address',
      () => ({ origin: 'http://127.0.0.1.evil.example.com', host: '127.0.0.1.evil.example.com' }),
    ],
    ['that names the listener in Host alone', () => ({ origin: 'http://evil.example.com', host })],
    [
      'that claims a forwarded host',
      () => ({ origin: 'http://evil.example.com', 'x-forwarded-host': 'evil.example.com', host }),
    ],
  ])('is refused from a page %s', async (_where, headers) => {
    const answer = await write(headers());
    expect([answer.status, answer.json()]).toMatchObject([403, { code: 'cross-site' }]);
    expect(await suspended()).toBe(false);
  });

  test('is refused before its body is read, by every method and at every route', async () => {
    const id = await desk.hold();
    for (const [method, path] of [
      ['POST', `/api/holds/${id}/approve`],
      ['DELETE', '/api/session'],
      ['DELETE', '/api/sessions/sess_1'],
      ['POST', '/api/delegations'],
      ['POST', '/api/policy/evaluate'],
    ] as const) {
      const answer = await write({ origin: 'https://evil.example.com' }, method, path);
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
    expect(await browser.send('GET', '/api/session')).toMatchObject({ status: 200 });
  });
});

test('a read with the cookie needs no origin, and neither GET nor HEAD changes anything', async () => {
  const foreign = { origin: 'https://evil.example.com', 'sec-fetch-site': 'cross-site' };
  const answer = await browser.send('GET', '/api/holds', foreign);
  expect(answer.status).toBe(200);
  // Without these the foreign page cannot read it.
  expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  for (const path of ['/api/session', '/api/sessions', '/api/holds']) {
    expect([path, await browser.send('HEAD', path)]).toMatchObject([path, { status: 200, text: '' }]);
    expect([path, await send(desk.url, { method: 'HEAD', path })]).toMatchObject([path, { status: 401, text: '' }]);
  }
  for (const method of ['GET', 'HEAD'])
    expect(await browser.send(method, '/api/agents/billing-bot/suspend')).toMatchObject({ status: 404 });
  expect([await suspended(), (await desk.store.sessions.list()).length]).toEqual([false, 1]);
});

test('a write with a bearer token needs no origin: no browser adds that by itself', async () => {
  const headers = { authorization: 'Bearer olga-token', origin: 'https://evil.example.com' };
  expect(await write(headers)).toMatchObject({ status: 200 });
});

test('a foreign page cannot sign its visitor in as somebody else', async () => {
  for (const headers of [
    { origin: 'https://evil.example.com' },
    { origin: 'null' },
    { origin: 'http://evil.example.com:8081', host: 'evil.example.com:8081' },
  ]) {
    const answer = await openBrowser(desk).signIn({ token: 'ben-token' }, headers);
    expect([answer.status, answer.json()]).toMatchObject([403, { code: 'cross-site' }]);
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
});

test('a form of a foreign page cannot sign anybody in: it cannot send JSON', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=a']) {
    const sent = {
      method: 'POST',
      path: '/api/session',
      headers: { 'content-type': type },
      body: '{"token":"ben-token"}',
    };
    expect([type, (await send(desk.url, sent)).status]).toEqual([type, 415]);
  }
});
