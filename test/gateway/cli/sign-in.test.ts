import { existsSync, renameSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../../gateway/identify/token.ts';
import {
  createPlace,
  eventually,
  REVIEWER_TOKEN,
  runMain,
  send,
  type Answer,
  type Place,
  type RunningGateway,
} from '../../helpers/gateway.ts';

let place: Place;
let gateway: RunningGateway;
beforeAll(async () => {
  place = await createPlace('http://127.0.0.1:9', { workers: 1 });
  gateway = await place.start();
});
afterAll(async () => {
  await place.remove();
});

/** A link as the command prints it, and its parts. */
async function newLink(): Promise<{ page: string; secret: string; said: string }> {
  const { code, stdout, stderr } = await runMain('sign-in', '--as', 'ben@example.com', '--config', place.config);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\S+#\S+\n$/);
  const [page = '', secret = ''] = stdout.trim().split('#');
  return { page, secret, said: stderr };
}

async function post(given: object): Promise<{ answer: Answer; cookie: string }> {
  const sent = {
    method: 'POST',
    path: '/api/session',
    headers: { origin: gateway.adminUrl },
    body: JSON.stringify(given),
  };
  const answer = await send(gateway.adminUrl, sent);
  return { answer, cookie: answer.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '' };
}

const statusWith = async (cookie: string) =>
  (await send(gateway.adminUrl, { path: '/api/session', headers: { cookie } })).status;

/** Saves the configuration as an editor does, and waits until it is in force. */
async function save(reviewers: object[]): Promise<void> {
  const config = { ...(JSON.parse(readFileSync(place.config, 'utf8')) as object), reviewers };
  const seen = gateway.log.length;
  writeFileSync(`${place.config}.new`, JSON.stringify(config));
  renameSync(`${place.config}.new`, place.config);
  await eventually('the configuration is in force', () =>
    gateway.log.slice(seen).some(({ msg }) => msg === 'configuration in force on all workers'),
  );
}

test('a link needs the key of the gateway, which the command never makes', async () => {
  const unused = await createPlace('http://127.0.0.1:9');
  const { code, stdout, stderr } = await runMain('sign-in', '--as', 'ben@example.com', '--config', unused.config);
  expect([code, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(/^There is no key in .*holds\.key yet\. Start the gateway first\.\n$/);
  expect(existsSync(unused.data)).toBe(false);
  await unused.remove();
});

test('a link is made for a configured reviewer alone', async () => {
  expect(await runMain('sign-in', '--as', 'bem@example.com', '--config', place.config)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `${place.config} has no reviewer bem@example.com. Did you mean "ben@example.com"?\n`,
  });
  expect(await runMain('sign-in')).toMatchObject({ code: 2, stdout: '' });
});

test('the command prints a link with its secret in the fragment; it signs in once, and the session outlasts a restart', async () => {
  const { page, secret, said } = await newLink();
  expect(page).toBe(`${gateway.adminUrl}/sign-in`);
  expect(said).toBe('Signs in ben@example.com, once, within 5 minutes.\n');
  const { answer, cookie } = await post({ link: secret });
  expect([answer.status, answer.json()]).toMatchObject([201, { id: 'ben@example.com' }]);
  expect((await post({ link: secret })).answer.status).toBe(401);
  const before = gateway.output();
  await gateway.stop();
  gateway = await place.start();
  expect(await statusWith(cookie)).toBe(200);
  for (const hidden of [secret, cookie.split('=')[1]!]) expect(before + gateway.output()).not.toContain(hidden);
});

test('a reviewer who leaves the configuration is signed out for good, also after coming back', async () => {
  const [ben] = (JSON.parse(readFileSync(place.config, 'utf8')) as { reviewers: object[] }).reviewers;
  const { cookie } = await post({ token: REVIEWER_TOKEN });
  expect(await statusWith(cookie)).toBe(200);
  await save([{ id: 'ana@example.com', token_sha256: hashToken('hp_token-of-ana') }]);
  expect(await statusWith(cookie)).toBe(401);
  await gateway.logged(({ msg }) => msg === 'the reviewer ben@example.com left the configuration');
  await save([ben!]);
  expect(await statusWith(cookie)).toBe(401);
  expect((await post({ token: REVIEWER_TOKEN })).answer.status).toBe(201);
});

test('a session ends with the token under which it was opened, and not with a second one', async () => {
  const ben = (...tokens: string[]) => [{ id: 'ben@example.com', token_sha256: tokens.map(hashToken) }];
  const { cookie } = await post({ token: REVIEWER_TOKEN });
  await save(ben('hp_new-token-of-ben', REVIEWER_TOKEN));
  expect(await statusWith(cookie)).toBe(200);
  await save(ben('hp_new-token-of-ben'));
  expect(await statusWith(cookie)).toBe(401);
});
