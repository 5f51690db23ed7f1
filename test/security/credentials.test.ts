import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../gateway/domain/event.ts';
import { OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { connectRaw } from './raw-agent.ts';

const ALLOW = (system: string) => `package rules.${system}\n\nallow contains {"rule": "all"}\n`;

let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => {
    response.writeHead(
      200,
      [
        ['Set-Cookie', 'a=1; Path=/'],
        ['Set-Cookie', 'b=2; HttpOnly'],
        ['Holdpoint-Decision', 'dec_forged'],
        ['HOLDPOINT-VERDICT', 'block'],
        ['Content-Length', '2'],
      ].flat(),
    );
    response.end('ok');
  });
  const url = upstream.url;
  plane = await startDataPlane({
    systems: {
      payments: { upstream: url, credential: { header: 'authorization', value: 'Bearer system-key' } },
      git: {
        upstream: url,
        agent_credential: { header: 'authorization' },
        credential: { header: 'private_token', value: 'k' },
      },
      desk: { upstream: url, agent_credential: { header: 'X-Desk-Key' } },
    },
    rego: { 'a.rego': ALLOW('payments'), 'b.rego': ALLOW('git'), 'c.rego': ALLOW('desk') },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const get = (path: string, headers: Record<string, string>) => fetch(`${plane.url}${path}`, { headers });

/** Everything that stays readable: requests at the upstream, logs and events. */
async function traces(): Promise<string> {
  return JSON.stringify([
    upstream.received.map(({ rawHeaders, url }) => [rawHeaders, url]),
    plane.logged,
    await plane.events(),
  ]);
}

async function callerOf(answer: Response): Promise<Event | undefined> {
  const decision_id = answer.headers.get('holdpoint-decision');
  return (await plane.events()).find((event) => event.decision_id === decision_id);
}

describe('the token of an agent', () => {
  test.each<readonly [place: string, path: string, headers: Record<string, string>]>([
    ['Authorization: Bearer', '/payments/x', { authorization: `Bearer ${TOKEN}` }],
    ['Authorization: bearer, in lower case', '/payments/x', { authorization: `bearer ${TOKEN}` }],
    ['Authorization: token, as Octokit sends it', '/git/x', { authorization: `token ${TOKEN}` }],
    ['Authorization: Basic, as the password', '/payments/x', { authorization: basic(`me:${TOKEN}`) }],
    ['Authorization: Basic, as the user without a password', '/payments/x', { authorization: basic(`${TOKEN}:`) }],
    ['Authorization alone, where the system’s SDK sends its key so', '/git/x', { authorization: TOKEN }],
    ['Authorization: ApiKey, as Elasticsearch’s SDK sends it', '/payments/x', { authorization: `ApiKey ${TOKEN}` }],
    ['Authorization: Bot, as Discord’s SDKs send it', '/payments/x', { authorization: `Bot ${TOKEN}` }],
    ['Authorization: SSWS, as Okta’s SDK sends it', '/payments/x', { authorization: `SSWS ${TOKEN}` }],
    ['Authorization: GenieKey, as Opsgenie’s SDK sends it', '/payments/x', { authorization: `GenieKey ${TOKEN}` }],
    ['Authorization: Key, as fal.ai’s SDK sends it', '/payments/x', { authorization: `Key ${TOKEN}` }],
    [
      'Authorization: Klaviyo-API-Key, as Klaviyo’s SDK sends it',
      '/payments/x',
      { authorization: `Klaviyo-API-Key ${TOKEN}` },
    ],
    ['Authorization: Token token=, as for PagerDuty', '/payments/x', { authorization: `Token token=${TOKEN}` }],
    ['a quoted parameter', '/payments/x', { authorization: `Token token="${TOKEN}", email="a@example.com"` }],
    [
      'oauth_token, as OAuth 1.0 SDKs send it',
      '/payments/x',
      { authorization: `OAuth realm="x", oauth_consumer_key="c", oauth_token="${TOKEN}", oauth_signature="a%3D"` },
    ],
    [
      'the access key of AWS SDKs',
      '/payments/x',
      {
        authorization: `AWS4-HMAC-SHA256 Credential=${TOKEN}/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=ab12`,
      },
    ],
    ['Authorization: Basic, as the user with another password', '/payments/x', { authorization: basic(`${TOKEN}:X`) }],
    ['Authorization alone', '/payments/x', { authorization: TOKEN }],
    ['X-Api-Key', '/payments/x', { 'x-api-key': TOKEN }],
    ['X-Api-Key after a scheme', '/payments/x', { 'x-api-key': `Bearer ${TOKEN}` }],
    ['the key header of the system', '/desk/x', { 'x-desk-key': TOKEN }],
    ['both places', '/payments/x', { authorization: `Bearer ${TOKEN}`, 'x-api-key': TOKEN }],
  ])('the token is accepted in %s, and is not forwarded', async (_place, path, headers) => {
    const answer = await get(path, headers);
    expect(answer.status).toBe(200);
    expect(await callerOf(answer)).toMatchObject({ agent: 'billing-bot', owner: 'ana@example.com' });
    const everything = await traces();
    for (const secret of [
      TOKEN,
      basic(`me:${TOKEN}`).slice(6),
      basic(`${TOKEN}:`).slice(6),
      basic(`${TOKEN}:X`).slice(6),
      'X-Desk-Key',
      'x-api-key',
    ]) {
      expect(everything).not.toContain(secret);
    }
  });

  test.each<readonly [place: string, path: string, headers: Record<string, string>]>([
    ['a query parameter', `/payments/x?access_token=${TOKEN}`, {}],
    ['a cookie', '/payments/x', { cookie: `token=${TOKEN}` }],
    ['the key header of another system', '/payments/x', { 'x-desk-key': TOKEN }],
    ['Proxy-Authorization', '/payments/x', { 'proxy-authorization': `Bearer ${TOKEN}` }],
    ['an underscore twin', '/payments/x', { x_api_key: TOKEN }],
    ['a part of a parameter', '/payments/x', { authorization: `Token token=x${TOKEN}` }],
    ['a scheme without a space', '/payments/x', { authorization: `Bearer${TOKEN}` }],
    ['the eleventh parameter', '/payments/x', { authorization: `OAuth ${'a=b,'.repeat(10)}oauth_token=${TOKEN}` }],
    ['a Bearer with more behind it', '/payments/x', { authorization: `Bearer ${TOKEN} x` }],
    ['an empty Bearer', '/payments/x', { authorization: 'Bearer ' }],
    [
      'a key header that somebody else filled',
      '/payments/x',
      { authorization: `Bearer ${TOKEN}`, 'x-api-key': 'other' },
    ],
  ])('the token is not accepted in %s', async (_place, path, headers) => {
    const before = upstream.received.length;
    const answer = await get(path, headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="holdpoint"');
    expect(upstream.received.length).toBe(before);
  });

  test('the key header of the system decides between two tokens, and neither is forwarded', async () => {
    const answer = await get('/payments/x', { authorization: `Bearer ${OTHER_TOKEN}`, 'x-api-key': TOKEN });
    expect(await callerOf(answer)).toMatchObject({ agent: 'billing-bot' });
    const everything = await traces();
    expect(everything).not.toContain(TOKEN);
    expect(everything).not.toContain(OTHER_TOKEN);
  });

  test('a token sent twice in one header is refused', async () => {
    const agent = await connectRaw(plane.url.slice('http://'.length));
    const lines = ['GET /payments/x HTTP/1.1', 'Host: a', `X-Api-Key: ${TOKEN}`, `X-Api-Key: ${OTHER_TOKEN}`];
    agent.send(`${lines.join('\r\n')}\r\n\r\n`);
    expect((await agent.answer())?.status).toBe(401);
    agent.close();
  });
});

describe('forged headers', () => {
  test('a header that an agent could forge never reaches the upstream', async () => {
    const forged = [
      'Cookie',
      'Forwarded',
      'X-Forwarded-For',
      'X-Forwarded-Host',
      'X-Forwarded-Proto',
      'X-Forwarded-Port',
      'X-Real-IP',
      'X_Forwarded_For',
      'X-Forwarded_Host',
      'Holdpoint-Decision',
      'Holdpoint-Verdict',
      'holdpoint_verdict',
      'Proxy-Authorization',
      'Proxy-Connection',
      'Keep-Alive',
      'TE',
      'X_Api_Key',
      'X-Original-URL',
      'X_Rewrite_URL',
    ];
    const agent = await connectRaw(plane.url.slice('http://'.length));
    const head = ['GET /payments/x HTTP/1.1', 'Host: a', `Authorization: Bearer ${TOKEN}`, 'Agent-Context: task="T-1"'];
    agent.send(`${[...head, ...forged.map((name) => `${name}: forged`)].join('\r\n')}\r\n\r\n`);
    expect((await agent.answer())?.status).toBe(200);
    agent.close();
    expect(upstream.received.at(-1)?.rawHeaders).toEqual([
      'host',
      `127.0.0.1:${upstream.port}`,
      'connection',
      'keep-alive',
      'via',
      '1.1 holdpoint',
      'authorization',
      'Bearer system-key',
    ]);
  });

  test('the credential of the system has no twin from the agent, in any spelling', async () => {
    await get('/git/x', {
      authorization: TOKEN,
      'Private-Token': 'mine',
      PRIVATE_TOKEN: 'mine',
      private_token: 'mine',
    });
    expect(JSON.stringify(upstream.received.at(-1)?.rawHeaders)).not.toContain('mine');
    expect(upstream.received.at(-1)?.headers['private_token']).toBe('k');
  });
});

describe('the answer of an upstream', () => {
  test('an upstream cannot speak for the gateway, and its session does not reach the agent', async () => {
    const answer = await get('/payments/x', { authorization: `Bearer ${TOKEN}` });
    expect(answer.headers.get('holdpoint-decision')).toMatch(/^dec_[0-9a-f]{32}$/);
    expect(answer.headers.get('holdpoint-verdict')).toBe('allow');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });
});

describe('unknown callers', () => {
  test('an unknown caller cannot tell an existing system from a missing one', async () => {
    const told = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await get(path, headers);
      const { decision_id, ...body } = (await answer.json()) as Record<string, unknown>;
      const names = [...answer.headers.keys()];
      return {
        status: answer.status,
        names,
        length: answer.headers.get('content-length'),
        body,
        id: typeof decision_id,
      };
    };
    const unknown = await told('/nowhere/x');
    expect(unknown.status).toBe(401);
    const paths = ['/payments/x', '/git/x', '/desk', '/nowhere', '/payments//x'];
    for (const path of paths) expect(await told(path)).toEqual(unknown);
    // Without a credential, / is the probe of a load balancer.
    for (const path of [...paths, '/']) {
      expect(await told(path, { authorization: 'Bearer wrong', 'x-desk-key': 'wrong' })).toEqual(unknown);
    }
  });

  test('an unknown caller leaves no event, and so cannot fill the journal', async () => {
    const before = (await plane.events()).length;
    await get('/payments/x', { authorization: 'Bearer wrong' });
    expect((await plane.events()).length).toBe(before);
  });
});
