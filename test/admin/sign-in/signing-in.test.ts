import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AdminDeps } from '../../../admin/deps.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import { createSignInLinks } from '../../../gateway/identify/sign-in-links.ts';
import { hashToken } from '../../../gateway/identify/token.ts';
import { KEY, reviewer } from '../../helpers/hold.ts';
import { openDesk, type Desk } from '../desk.ts';
import { openBrowser } from './browser.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Reviewers with their tokens, as the configuration has them now. */
let configured: Map<Reviewer, string[]>;
const overrides: Partial<AdminDeps> = {
  people: () => [...configured.keys()],
  authenticate: (token) => [...configured].find(([, tokens]) => tokens.includes(token))?.[0] ?? null,
  tokenHashes: (id) => [...configured].flatMap(([person, tokens]) => (person.id === id ? tokens.map(hashToken) : [])),
};
const ben = reviewer('ben');
const ana = reviewer('ana');
const olga = reviewer('olga', [], ['operator']);

let desk: Desk;
beforeEach(async () => {
  configured = new Map([
    [ben, ['ben-token']],
    [ana, ['ana-token']],
    [olga, ['olga-token']],
  ]);
  desk = await openDesk(overrides);
});
afterEach(async () => {
  await desk.close();
});

const link = (who = ben.id) => createSignInLinks(KEY, () => desk.now).issue(who);
async function signedIn(token = 'ben-token') {
  const browser = openBrowser(desk);
  expect(await browser.signIn({ token })).toMatchObject({ status: 201 });
  return browser;
}

test('a reviewer signs in with a token, is known by the cookie, and signs out', async () => {
  const browser = openBrowser(desk);
  expect(await browser.send('GET', '/api/session')).toMatchObject({ status: 401 });
  const answer = await browser.signIn({ token: 'ben-token' });
  const person = {
    id: 'ben@example.com',
    name: 'ben@example.com',
    groups: ['finance'],
    roles: ['reviewer'],
    stands_in_for: [],
    expires_at: new Date(desk.now + 12 * HOUR).toISOString(),
  };
  expect([answer.status, answer.json()]).toEqual([201, person]);
  expect((await browser.send('GET', '/api/session')).json()).toEqual(person);
  expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 200 });

  const kept = browser.cookie;
  const out = await browser.send('DELETE', '/api/session');
  expect(out).toMatchObject({ status: 204, text: '' });
  expect(out.headers['set-cookie']?.[0]).toMatch(/^holdpoint_session=;.*(Max-Age=0|Expires=Thu, 01 Jan 1970)/);
  browser.cookie = kept;
  expect(await browser.send('GET', '/api/session')).toMatchObject({ status: 401 });
});

test('scripts cannot read the cookie, other sites do not send it, and over https it is sent over https alone', async () => {
  const [cookie] = (await openBrowser(desk).signIn({ token: 'ben-token' })).headers['set-cookie'] ?? [];
  expect(cookie?.split('; ').toSorted()).toEqual([
    'HttpOnly',
    'Max-Age=43200',
    'Path=/',
    'SameSite=Strict',
    expect.stringMatching(/^holdpoint_session=hp_session_[\w-]{43}$/),
  ]);
  await desk.close();
  desk = await openDesk({ ...overrides, consoleUrl: () => new URL('https://holdpoint.example.com/') });
  const secure = await openBrowser(desk, 'https://holdpoint.example.com').signIn({ token: 'ben-token' });
  expect(secure.headers['set-cookie']?.[0]).toContain('; Secure');
});

test('a one-time link signs in once, within five minutes', async () => {
  const secret = link();
  const browser = openBrowser(desk);
  expect(await browser.signIn({ link: secret })).toMatchObject({ status: 201 });
  expect((await browser.send('GET', '/api/session')).json()).toMatchObject({ id: ben.id });
  const replayed = await openBrowser(desk).signIn({ link: secret });
  expect(replayed).toMatchObject({ status: 401 });
  expect(replayed.json()).toMatchObject({ code: 'unauthenticated', detail: expect.stringContaining('used before') });
  expect(replayed.headers['set-cookie']).toBeUndefined();

  const late = link();
  desk.now += 5 * MINUTE;
  expect(await openBrowser(desk).signIn({ link: late })).toMatchObject({ status: 401 });
});

test('of two browsers that use a link at once, one is signed in', async () => {
  for (let round = 0; round < 5; round++) {
    const secret = link();
    const answers = await Promise.all([1, 2, 3].map(() => openBrowser(desk).signIn({ link: secret })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 401, 401]);
  }
});

test('a link does not sign in a person who left the configuration before it was used, nor one who never was in it', async () => {
  const [early, stranger] = [link(), link('mallory@example.com')];
  configured.delete(ben);
  for (const secret of [early, stranger])
    expect(await openBrowser(desk).signIn({ link: secret })).toMatchObject({ status: 401 });
});

test('a wrong token, a forged link and a body of another form open no session', async () => {
  const forged = createSignInLinks(Buffer.alloc(32, 9), () => desk.now).issue(ben.id);
  for (const [given, status] of [
    [{ token: 'agent-token' }, 401],
    [{ link: forged }, 401],
    [{ token: link() }, 401],
    [{ link: 'ben-token' }, 401],
    [{}, 422],
    [{ token: '' }, 422],
    [{ token: 'ben-token', link: link() }, 422],
    [{ token: 'x'.repeat(2000) }, 413],
    [{ token: 'x'.repeat(5000) }, 413],
  ] as const) {
    const answer = await openBrowser(desk).signIn(given);
    expect([JSON.stringify(given).slice(0, 30), answer.status]).toEqual([JSON.stringify(given).slice(0, 30), status]);
    expect(answer.headers['set-cookie']).toBeUndefined();
  }
  expect(await desk.store.sessions.list()).toEqual([]);
});

test('wrong attempts from one address are limited, and a right token is accepted at once', async () => {
  const browser = openBrowser(desk);
  for (let attempt = 0; attempt < 10; attempt++)
    expect(await browser.signIn({ token: `wrong-${attempt}` })).toMatchObject({ status: 401 });
  for (const given of [{ token: 'wrong' }, { link: 'wrong' }]) {
    const answer = await browser.signIn(given);
    expect([answer.status, answer.json()]).toMatchObject([429, { code: 'too-many-wrong-tokens' }]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
  }
  expect(await browser.signIn({ token: 'ben-token' })).toMatchObject({ status: 201 });
});

test('each sign-in has a new session, whatever cookie the browser came with, and ends the one before it', async () => {
  const fixed = `holdpoint_session=hp_session_${'a'.repeat(43)}`;
  const browser = openBrowser(desk);
  browser.cookie = fixed;
  await browser.signIn({ token: 'ben-token' });
  expect(browser.cookie).not.toBe(fixed);
  const first = browser.cookie;
  await browser.signIn({ token: 'ana-token' });
  expect(browser.cookie).not.toBe(first);
  const attacker = openBrowser(desk);
  for (const cookie of [fixed, first]) {
    attacker.cookie = cookie;
    expect(await attacker.send('GET', '/api/session')).toMatchObject({ status: 401 });
  }
  expect((await browser.send('GET', '/api/session')).json()).toMatchObject({ id: ana.id });
});

test('a forged or changed cookie is refused, and many of them are limited', async () => {
  const browser = await signedIn();
  const real = browser.cookie;
  const forged = [
    `holdpoint_session=hp_session_${'a'.repeat(43)}`,
    `${real.slice(0, -4)}AAAA`,
    real.toUpperCase(),
    'holdpoint_session=ben-token',
    'holdpoint_session=',
    `other=${real.split('=')[1]!}`,
    `holdpoint_session=${'x'.repeat(4000)}`,
  ];
  for (const cookie of forged) {
    browser.cookie = cookie;
    expect([cookie.slice(0, 60), (await browser.send('GET', '/api/holds')).status]).toEqual([cookie.slice(0, 60), 401]);
  }
  browser.cookie = forged[0]!;
  for (let sent = 0; sent < 30; sent++) await browser.send('GET', '/api/holds');
  expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 429 });
  browser.cookie = real;
  expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 200 });
});

test('a session ends after twelve hours, however often it is used', async () => {
  const browser = await signedIn();
  for (let hour = 0; hour < 11; hour++) {
    desk.now += HOUR;
    expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 200 });
  }
  desk.now += HOUR;
  expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 401 });
});

test('the cookie of a reviewer who left the configuration is refused at once', async () => {
  const browser = await signedIn();
  configured.delete(ben);
  expect(await browser.send('GET', '/api/holds')).toMatchObject({ status: 401 });
});

test('a session lasts as long as the token under which it was opened: the new one of a rotation does not end it, its removal does', async () => {
  const [byOld, byLink] = [await signedIn(), openBrowser(desk)];
  configured.set(ben, ['new-token', 'ben-token']);
  await byLink.signIn({ link: link() });
  expect(await byOld.send('GET', '/api/holds')).toMatchObject({ status: 200 });
  configured.set(ben, ['new-token']);
  expect(await byOld.send('GET', '/api/holds')).toMatchObject({ status: 401 });
  expect(await byLink.send('GET', '/api/holds')).toMatchObject({ status: 200 });
  configured.set(ben, ['newer-token']);
  expect(await byLink.send('GET', '/api/holds')).toMatchObject({ status: 401 });
});

test('groups and roles are those of the configuration now, not those of the sign-in', async () => {
  const browser = await signedIn();
  configured.delete(ben);
  configured.set(reviewer('ben', ['legal'], ['reviewer', 'operator']), ['ben-token']);
  expect((await browser.send('GET', '/api/session')).json()).toMatchObject({
    groups: ['legal'],
    roles: ['reviewer', 'operator'],
  });
});

test('with a bearer token the cookie does not count, and there is no session to end', async () => {
  const browser = await signedIn();
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  expect((await browser.send('GET', '/api/session', as('ana-token'))).json()).toEqual({
    id: ana.id,
    name: ana.id,
    groups: ['finance'],
    roles: ['reviewer'],
    stands_in_for: [],
    expires_at: null,
  });
  for (const authorization of ['Bearer wrong', 'Basic YmVu', '']) {
    expect(await browser.send('GET', '/api/session', { authorization })).toMatchObject({ status: 401 });
  }
  expect(await browser.send('DELETE', '/api/session', as('ana-token'))).toMatchObject({ status: 204 });
  expect(await browser.send('GET', '/api/session')).toMatchObject({ status: 200 });
});

test('a session tells for whom its person deputises, as long as that lasts', async () => {
  const browser = await signedIn();
  const absent = async () =>
    (await browser.send('GET', '/api/session')).json<{ stands_in_for: string[] }>().stands_in_for;
  expect(await absent()).toEqual([]);
  const period = { since: desk.now, until: desk.now + 60_000 };
  await desk.store.delegations.add({ from: ana.id, to: ben.id, ...period }, 'api');
  expect(await absent()).toEqual([ana.id]);
  desk.now += 60_000;
  expect(await absent()).toEqual([]);
});

test('reviewers see and end their own sessions, operators all', async () => {
  const [laptop, phone] = [openBrowser(desk), openBrowser(desk)];
  await laptop.signIn({ token: 'ben-token' }, { 'user-agent': 'Firefox' });
  await phone.signIn({ token: 'ben-token' }, { 'user-agent': 'x'.repeat(1000) });
  const [other, operator] = [await signedIn('ana-token'), await signedIn('olga-token')];
  type Listed = { items: { session_id: string; reviewer: string; user_agent: string; current: boolean }[] };
  const list = async (browser: typeof laptop) => (await browser.send('GET', '/api/sessions')).json<Listed>().items;

  const [second, first] = await list(laptop);
  expect(first).toEqual({
    session_id: expect.stringMatching(/^sess_[0-9a-f]{32}$/),
    reviewer: ben.id,
    created_at: new Date(desk.now).toISOString(),
    last_seen_at: new Date(desk.now).toISOString(),
    expires_at: new Date(desk.now + 12 * HOUR).toISOString(),
    user_agent: 'Firefox',
    address: '127.0.0.1',
    current: true,
  });
  expect(second).toMatchObject({ user_agent: 'x'.repeat(200), current: false });
  expect((await list(operator)).map((one) => one.reviewer)).toEqual([olga.id, ana.id, ben.id, ben.id]);

  const path = `/api/sessions/${second!.session_id}`;
  expect(await other.send('DELETE', path)).toMatchObject({ status: 404 });
  expect(await phone.send('GET', '/api/session')).toMatchObject({ status: 200 });
  expect(await laptop.send('DELETE', path)).toMatchObject({ status: 204 });
  expect(await phone.send('GET', '/api/session')).toMatchObject({ status: 401 });
  expect(await laptop.send('DELETE', path)).toMatchObject({ status: 404 });
  expect(await operator.send('DELETE', `/api/sessions/${first!.session_id}`)).toMatchObject({ status: 204 });
  expect(await laptop.send('GET', '/api/session')).toMatchObject({ status: 401 });
});

test('what a reviewer does in the console is on record with the channel console, whatever the request says', async () => {
  const browser = await signedIn();
  const id = await desk.hold();
  const channel = { 'if-match': '"1"', 'holdpoint-channel': 'cli' };
  const noted = await browser.send('POST', `/api/holds/${id}/note`, channel, { text: 'hm' });
  expect(noted.status).toBe(200);
  const events = await desk.store.outbox.read(0, 100);
  expect(events.map(({ event }) => [event.type, event.actor, event.channel])).toContainEqual([
    'hold.noted',
    ben.id,
    'console',
  ]);
});

test('no secret of a sign-in is in the log, in the record or in an answer', async () => {
  const browser = openBrowser(desk);
  const secret = link();
  const answers = [await browser.signIn({ link: secret })];
  const kept = browser.cookie.split('=')[1]!;
  answers.push(await browser.signIn({ link: secret }), await browser.signIn({ token: 'wrong-secret-token' }));
  answers.push(await browser.send('GET', '/api/sessions'), await browser.send('DELETE', '/api/session'));
  await expect.poll(() => desk.logged.length).toBe(5);
  expect(desk.logged[0]).toMatchObject({ method: 'POST', route: '/api/session', reviewer: ben.id, status: 201 });
  const record = await desk.store.outbox.read(0, 100);
  expect(record.map(({ event }) => event.type)).toEqual(['session.opened', 'session.ended']);
  const told = JSON.stringify([desk.logged, record, answers.map(({ text }) => text)]);
  for (const hidden of [secret, kept, kept.slice('hp_session_'.length), 'wrong-secret-token'])
    expect(told).not.toContain(hidden);
});

test('while the store is away, nobody signs in and no cookie is accepted', async () => {
  const browser = await signedIn();
  await desk.store.close();
  expect(await browser.send('GET', '/api/session')).toMatchObject({ status: 503 });
  expect(await openBrowser(desk).signIn({ token: 'ben-token' })).toMatchObject({ status: 503 });
});
