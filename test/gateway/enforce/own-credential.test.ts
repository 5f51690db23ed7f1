import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createForwarder } from '../../../gateway/enforce/forwarder.ts';
import { parseConfig } from '../../../gateway/config/config.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { tempFolder } from '../../helpers/folder.ts';
import { eventually } from '../../helpers/gateway.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';

const folder = tempFolder();
const file = join(folder.path, 'token');
const linked = join(folder.path, 'linked');
const password = join(folder.path, 'password');
let upstream: Upstream;
let plane: DataPlane;

const SYSTEMS = {
  datadog: { credential: { headers: { 'DD-API-KEY': 'k1', 'DD-APPLICATION-KEY': 'k2' } } },
  maps: { credential: { query: { key: 'AIza+/&=', 'api-version': '1' } }, agent_credential: { query: 'key' } },
  jira: { credential: { basic: { user: 'bot@example.com', password: { file: password } } } },
  both: { credential: { header: 'authorization', value: 'Bearer a', headers: { 'x-b': 'b' }, query: { c: 'c' } } },
  telegram: { credential: { path: '/bot123:SYSTEM' }, agent_credential: { path: '/bot{token}' } },
  hook: { agent_credential: { path: '/services/{token}' } },
  filed: { credential: { header: 'authorization', value: { file, prefix: 'Bearer ' } } },
  linked: { credential: { header: 'x-vault-token', value: { file: linked } } },
};

beforeAll(async () => {
  upstream = await startUpstream(({ url, headers }, response) => {
    // The system echoes what it got.
    const told = url.includes('/echo') ? { url, authorization: headers.authorization } : { ok: true };
    response.writeHead(url.includes('/echo') ? 400 : 200, { 'content-type': 'application/json', location: url });
    response.end(JSON.stringify(told));
  });
  writeFileSync(file, 'first\n');
  writeFileSync(password, 'pä:ss\r\n');
  writeFileSync(`${linked}-1`, 'one');
  symlinkSync(`${linked}-1`, linked);
  plane = await startDataPlane({
    systems: Object.fromEntries(
      Object.entries(SYSTEMS).map(([name, system]) => [name, { upstream: `${upstream.url}/base`, ...system }]),
    ),
    rego: Object.fromEntries(
      Object.keys(SYSTEMS).map((name) => [`${name}.rego`, `package rules.${name}\n\nallow contains {"rule": "all"}\n`]),
    ),
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
  folder.remove();
});

/** What the system received for a call. */
async function received(path: string, headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` }) {
  const before = upstream.received.length;
  const answer = await fetch(`${plane.url}${path}`, { headers });
  expect(answer.status).toBe(200);
  return upstream.received[before]!;
}

/** Everything that stays readable: policy inputs in events, and the log. */
async function recorded(): Promise<string> {
  return JSON.stringify([plane.logged, await plane.events()]);
}

const headersOf = ({ rawHeaders }: Received, ...names: string[]) =>
  rawHeaders.flatMap((name, i) => (i % 2 === 0 && names.includes(name.toLowerCase()) ? [rawHeaders[i + 1]] : []));

describe('the credential of a system', () => {
  test('a credential of two headers replaces both that the agent sent (agentgateway/agentgateway#2248)', async () => {
    const one = await received('/datadog/api/v2/logs', {
      authorization: `Bearer ${TOKEN}`,
      'dd-api-key': 'mine',
      DD_APPLICATION_KEY: 'mine',
    });
    expect(headersOf(one, 'dd-api-key', 'dd-application-key', 'dd_application_key')).toEqual(['k1', 'k2']);
    expect(JSON.stringify(one.rawHeaders)).not.toContain(TOKEN);
  });

  test('a credential in the query replaces that of the agent, in any spelling (kyma-project/kyma#2617)', async () => {
    const { url } = await received('/maps/geocode?q=a%20b&k%65y=mine&KEY=mine&key[]=mine&api-version=9&x=1');
    expect(url).toBe('/base/geocode?q=a%20b&x=1&key=AIza%2B%2F%26%3D&api-version=1');
    expect((await received('/maps/geocode')).url).toBe('/base/geocode?key=AIza%2B%2F%26%3D&api-version=1');
    expect((await received('/maps?a=1')).url).toBe('/base?a=1&key=AIza%2B%2F%26%3D&api-version=1');
    const events = await recorded();
    expect(events).not.toContain('AIza');
    expect(events).not.toContain('mine');
  });

  test('a user and a password become Basic authentication', async () => {
    const one = await received('/jira/rest/api/3/myself');
    const expected = Buffer.from('bot@example.com:pä:ss').toString('base64');
    expect(headersOf(one, 'authorization')).toEqual([`Basic ${expected}`]);
  });

  test('several places of one credential go together', async () => {
    const one = await received('/both/x?d=1');
    expect(headersOf(one, 'authorization', 'x-b')).toEqual(['Bearer a', 'b']);
    expect(one.url).toBe('/base/x?d=1&c=c');
  });
});

describe('a credential in a file', () => {
  const tokenNow = async () => headersOf(await received('/filed/x'), 'authorization')[0];
  const saidOf = (path: string) => plane.logged.findLast((line) => line['file'] === path);

  test('a file that is replaced is in force, without its last line break (envoyproxy/gateway#8780)', async () => {
    expect(await tokenNow()).toBe('Bearer first');
    writeFileSync(`${file}.new`, 'second\n');
    renameSync(`${file}.new`, file);
    await eventually('the new token is sent', async () => (await tokenNow()) === 'Bearer second');
    expect(saidOf(file)).toMatchObject({ msg: 'the credential in a file was renewed' });
  });

  test('an empty, broken or missing file keeps its last good value, and the log says so', async () => {
    const good = await tokenNow();
    const broken: [break_: () => void, why: string][] = [
      [() => writeFileSync(file, ''), `${file} is empty`],
      [() => writeFileSync(file, 'secret-line\nhost: evil'), `expected one line of text in ${file}`],
      [() => rmSync(file), `no such file: ${file}`],
    ];
    for (const [breakIt, why] of broken) {
      breakIt();
      await eventually('the log says why', () => saidOf(file)?.['why'] === why);
      expect(await tokenNow()).toBe(good);
    }
    expect(await recorded()).not.toContain('secret-line');
    writeFileSync(file, 'third-token');
    await eventually('the new token is sent', async () => (await tokenNow()) === 'Bearer third-token');
  });

  test('a link that points to another file is followed, as Kubernetes renews secrets', async () => {
    expect(headersOf(await received('/linked/x'), 'x-vault-token')).toEqual(['one']);
    writeFileSync(`${linked}-2`, 'two');
    symlinkSync(`${linked}-2`, `${linked}.new`);
    renameSync(`${linked}.new`, linked);
    await eventually('the new value is sent', async () => {
      return headersOf(await received('/linked/x'), 'x-vault-token')[0] === 'two';
    });
  });

  test('a file that has no value at the start is a mistake in the configuration', () => {
    const text = 'systems: { p: { upstream: "http://x", credential: { header: a, value: { file: nowhere } } } }';
    expect(() => parseConfig(text, join(folder.path, 'holdpoint.yaml'), {})).toThrow(
      `line 1: systems.p.credential: no such file: ${folder.path}/nowhere`,
    );
    const credential = { headers: [{ name: 'a', value: { file: `${folder.path}/nowhere`, prefix: '' } }], query: [] };
    expect(() => createForwarder([{ ...plane.config.systems[0]!, credential }])).toThrow('no such file');
  });
});

test.each([
  ['a query parameter', '/maps/echo', 'AIza'],
  ['a path', '/telegram/echo', 'SYSTEM'],
  ['a file', '/filed/echo', 'third'],
])('a system that echoes its credential in %s does not give it to the agent', async (_place, path, secret) => {
  const answer = await fetch(`${plane.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
  expect(answer.status).toBe(400);
  expect(upstream.received.at(-1)!.url + upstream.received.at(-1)!.headers.authorization).toContain(secret);
  expect(answer.headers.get('location')! + (await answer.text())).not.toContain(secret);
});

describe('the token of an agent in the target of a call', () => {
  test('a token in the query is removed before policy, record and system see the call', async () => {
    const one = await received(`/maps/geocode?q=1&key=${TOKEN}&x=2`, {});
    expect(one.url).toBe('/base/geocode?q=1&x=2&key=AIza%2B%2F%26%3D&api-version=1');
    const events = await plane.events();
    expect(events.at(-2)).toMatchObject({ agent: 'billing-bot', operation: 'GET /geocode' });
    expect(await recorded()).not.toContain(TOKEN);
  });

  test.each([
    ['twice', `key=${TOKEN}&key=${TOKEN}`],
    ['under another name', `token=${TOKEN}`],
    ['with something behind it', `key=${TOKEN}x`],
  ])('a token in the query %s is not accepted', async (_how, query) => {
    const before = upstream.received.length;
    expect((await fetch(`${plane.url}/maps/geocode?${query}`)).status).toBe(401);
    expect(upstream.received.length).toBe(before);
  });

  test('a token in the path is removed, and the system gets its own there', async () => {
    const one = await received(`/telegram/bot${TOKEN}/sendMessage?text=hi`, {});
    expect(one.url).toBe('/base/bot123:SYSTEM/sendMessage?text=hi');
    expect((await plane.events()).at(-2)).toMatchObject({ agent: 'billing-bot', operation: 'GET /sendMessage' });
    expect((await received(`/hook/services/${TOKEN}`, {})).url).toBe('/base');
    const events = await recorded();
    expect(events).not.toContain(TOKEN);
    expect(events).not.toContain('SYSTEM');
  });

  test('a path that has no token at its place belongs to the call', async () => {
    expect((await received('/telegram/bottles/1')).url).toBe('/base/bot123:SYSTEM/bottles/1');
    expect((await fetch(`${plane.url}/telegram/botwrong/getMe`)).status).toBe(401);
  });
});

test.each([
  ['{ header: a }', 'systems.p.credential.value: missing; expected a value for the header'],
  ['{ value: a }', 'systems.p.credential.header: missing; expected the header of the value'],
  ['{}', 'systems.p.credential: expected header and value, headers, query, basic or path'],
  ['{ header: a, value: v, headers: { A: w } }', 'systems.p.credential.header: expected each header once'],
  ['{ basic: { user: u }, headers: { authorization: w } }', 'systems.p.credential.headers: expected each header once'],
  ['{ header: a, value: 5 }', 'systems.p.credential.value: expected a string on one line, or { file: …, prefix: … }'],
  ['{ path: "bot" }', 'systems.p.credential.path: expected a path, such as "/bot${TELEGRAM_KEY}"'],
])('the credential %s is reported', (credential, problem) => {
  const text = `systems: { p: { upstream: "http://x", credential: ${credential} } }`;
  expect(() => parseConfig(text, 'holdpoint.yaml', {})).toThrow(problem);
});
