import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { send } from '../helpers/gateway.ts';
import { writeFiles, type TempFolder } from '../helpers/folder.ts';
import { openDesk, type Desk } from './desk.ts';

const INDEX = '<!doctype html><title>Console</title><script type="module" src="/assets/app-4f2a.js"></script>';
const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const CSP =
  "default-src 'none';script-src 'self';style-src 'self';img-src 'self' data: blob:;font-src 'self';connect-src 'self';form-action 'none';frame-ancestors 'none';base-uri 'none'";

let files: TempFolder;
let desk: Desk;
beforeEach(async () => {
  files = writeFiles({
    'dist/index.html': INDEX,
    'dist/favicon.svg': '<svg/>',
    'dist/assets/app-4f2a.js': 'export {};',
    'dist/assets/app-4f2a.js.br': 'not really brotli',
    'dist/.secret': 'secret',
    'beside.txt': 'secret',
  });
  desk = await openDesk({ consoleFiles: `${files.path}/dist` });
});
afterEach(async () => {
  await desk.close();
  files.remove();
});

const get = (path: string, headers: Record<string, string> = BROWSER, method = 'GET') =>
  send(desk.url, { method, path, headers });

test('every address of the console gives its page, without a token and never from a cache', async () => {
  for (const path of ['/', '/holds', '/holds/hold_019a?tab=diff', '/sign-in', '/me', '/insights', '/index.html']) {
    const answer = await get(path);
    expect([path, answer.status, answer.text]).toEqual([path, 200, INDEX]);
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringContaining('text/html'),
      'cache-control': 'no-store',
      'content-security-policy': CSP,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
    });
    // What else runs on this host name may have no TLS.
    expect(answer.headers['strict-transport-security']).toBeUndefined();
  }
});

test('a file with a hash in its name is kept for a year, and another one is not', async () => {
  const { status, headers, text } = await get('/assets/app-4f2a.js', { accept: '*/*' });
  expect([status, text]).toEqual([200, 'export {};']);
  expect(headers).toMatchObject({
    'content-type': expect.stringMatching(/^(text|application)\/javascript/),
    'cache-control': 'public, max-age=31536000, immutable',
    'content-security-policy': CSP,
  });
  expect((await get('/favicon.svg', { accept: 'image/*' })).headers['cache-control']).toBe('no-store');
});

test('a browser that takes brotli gets the file as the build compressed it', async () => {
  const { headers, text } = await get('/assets/app-4f2a.js', { accept: '*/*', 'accept-encoding': 'br, gzip' });
  expect([headers['content-encoding'], text]).toEqual(['br', 'not really brotli']);
  expect(headers).toMatchObject({
    vary: expect.stringMatching(/accept-encoding/i),
    'cache-control': 'public, max-age=31536000, immutable',
  });
});

test('what is not there is a problem for programs, and is not cached', async () => {
  const missing = [
    ['/assets/app-old.js', BROWSER],
    ['/assets/', BROWSER],
    ['/api/nothing', BROWSER],
    ['/-/nothing', BROWSER],
    ['/holds', { accept: 'application/json' }],
    ['/nothing.png', { accept: 'image/*' }],
  ] as const;
  for (const [path, headers] of missing) {
    const answer = await get(path, headers);
    expect([path, answer.status, answer.headers['cache-control']]).toEqual([path, 404, 'no-store']);
    expect(answer.json()).toMatchObject({ code: 'not-found' });
  }
  expect(await get('/holds', BROWSER, 'POST')).toMatchObject({ status: 404 });
});

test('no file outside the build and no hidden file is served', async () => {
  for (const path of [
    '/../beside.txt',
    '/%2e%2e/beside.txt',
    '/assets/..%2f..%2fbeside.txt',
    '/assets/%2e%2e/%2e%2e/beside.txt',
    '/.secret',
    '//beside.txt',
    '/assets\\..\\..\\beside.txt',
  ]) {
    expect([path, (await get(path)).text.includes('secret')]).toEqual([path, false]);
  }
});

test('HEAD gives the headers of GET and no body', async () => {
  for (const path of ['/', '/holds/hold_019a', '/assets/app-4f2a.js']) {
    const [head, full] = [await get(path, BROWSER, 'HEAD'), await get(path)];
    expect([path, head.status, head.text]).toEqual([path, 200, '']);
    for (const name of ['content-type', 'cache-control', 'content-security-policy', 'content-length'])
      expect([path, name, head.headers[name]]).toEqual([path, name, full.headers[name]]);
  }
});

test('answers of the API have the same policy, and are not cached', async () => {
  for (const path of ['/api/holds', '/api/openapi.json', '/-/livez']) {
    expect((await get(path)).headers).toMatchObject({ 'content-security-policy': CSP, 'cache-control': 'no-store' });
  }
});

test('without a build, the page says what to run, and a build counts without a restart', async () => {
  await desk.close();
  const later = writeFiles({});
  desk = await openDesk({ consoleFiles: `${later.path}/dist` });
  const answer = await get('/holds');
  expect([answer.status, answer.headers['content-security-policy']]).toEqual([503, CSP]);
  expect(answer.text).toContain('npm run build:console');
  expect((await get('/')).text).toContain('npm run build:console');
  expect(await get('/api/nothing')).toMatchObject({ status: 404 });
  cpSync(join(files.path, 'dist'), join(later.path, 'dist'), { recursive: true });
  expect(await get('/holds')).toMatchObject({ status: 200, text: INDEX });
  later.remove();
});
