import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { createServer, request as requestHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../../../../gateway/config/config.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import { LOCALHOST } from '../../holds/notify/localhost-certificate.ts';

const RULES = {
  'all.rego': `package rules.all

hold contains {"rule": "ask", "reviewers": ["finance"]} if input.action.method == "POST"

allow contains {"rule": "all"} if true
`,
};

let system: Upstream;
let plane: DataPlane;
/** Ends TLS, changes `Host`, and serves the gateway below a path. */
let proxy: ReturnType<typeof createServer>;
let front: string;

beforeAll(async () => {
  system = await startUpstream((received, response) => {
    const headers = {
      'content-type': 'application/json',
      location: `${system.url}/next`,
      link: '</pages/2>; rel=next',
    };
    response.writeHead(received.url === '/moved' ? 302 : 200, headers);
    response.end(JSON.stringify({ upload_url: `${system.url}/up?a=1` }));
  });
  proxy = createServer(LOCALHOST, (incoming, response) => {
    const { pathname, search } = new URL(incoming.url!, 'https://proxy');
    const prefix = ['/gateway', '/own', '/named'].find((each) => pathname.startsWith(`${each}/`));
    const { authorization = '', prefer = '' } = incoming.headers as Record<string, string>;
    const { hostname, port } = new URL(prefix === '/own' ? `http://${plane.address('own')}` : plane.url);
    const host = prefix === '/named' ? 'named.internal' : 'gateway.internal';
    const sent = requestHttp({
      hostname,
      port,
      path: pathname.slice(prefix?.length) + search,
      method: incoming.method,
      headers: { host, authorization, prefer, 'x-forwarded-proto': 'gopher', 'x-forwarded-host': 'elsewhere' },
    });
    sent.on('response', (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(sent);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  front = `https://localhost:${(proxy.address() as AddressInfo).port}`;
  plane = await startDataPlane({
    publicUrl: `${front}/gateway/`,
    systems: {
      api: { upstream: system.url, links: ['upload_url'], wait: '50ms' },
      own: { upstream: system.url, listen: '127.0.0.1:0', public_url: `${front}/own` },
      named: { upstream: system.url, hosts: ['named.internal'], public_url: `${front}/named/` },
      bare: { upstream: system.url, hosts: ['bare.internal'] },
    },
    rego: RULES,
  });
});

afterAll(async () => {
  proxy?.close();
  await plane?.close();
  await system?.close();
});

type Answer = { status: number; location: string | undefined; link: string | undefined; body: string };

function call(url: string, options: { method?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${TOKEN}`, ...options.headers };
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    request(url, { ...options, headers, ca: LOCALHOST.cert, agent: false }, (answer) => {
      const { location, link } = answer.headers as Record<string, string>;
      let body = '';
      answer.on('data', (chunk) => (body += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode!, location, link, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('behind a proxy that ends TLS, changes Host and adds a path', () => {
  test('links in headers and bodies begin with public_url and can be followed', async () => {
    const { location, link, body } = await call(`${front}/gateway/api/moved`);
    expect({ location, link, body: JSON.parse(body) }).toEqual({
      location: `${front}/gateway/api/next`,
      link: '</gateway/api/pages/2>; rel=next',
      body: { upload_url: `${front}/gateway/api/up?a=1` },
    });
    expect((await call(location!)).status).toBe(200);
    expect(system.received.at(-1)?.url).toBe('/next');
  });

  test('links of a system with an address or a host of its own begin with its own public_url', async () => {
    for (const name of ['own', 'named']) {
      const { location, link } = await call(`${front}/${name}/moved`);
      expect({ location, link }).toEqual({ location: `${front}/${name}/next`, link: `</${name}/pages/2>; rel=next` });
      expect((await call(location!)).status).toBe(200);
    }
  });

  test('a host without a public_url of its own keeps its name and gets the scheme of the gateway', async () => {
    const { location } = await call(`${plane.url}/x`, { headers: { host: 'bare.internal' } });
    expect(location).toBe('https://bare.internal/next');
  });

  test.each(['/gateway/api', '/own', '/named'])('the Location of a hold below %s can be followed', async (base) => {
    const below = base === '/gateway/api' ? '/gateway' : base;
    const held = (prefer: string) => call(`${front}${base}/x?of=${base}`, { method: 'POST', headers: { prefer } });
    const accepted = await held('respond-async');
    const sentAway = await held('wait=0');
    expect([accepted.status, sentAway.status]).toEqual([202, 503]);
    expect(accepted.location).toMatch(RegExp(`^${front}${below}/-/holds/hold_\\w+$`));
    expect(sentAway.location).toBe(accepted.location);
    const hold = await call(accepted.location!);
    expect([hold.status, JSON.parse(hold.body).status]).toEqual([200, 'pending']);
  });
});

test('a changed public_url is in force at once; without it, links take the Host of the call and holds a path', async () => {
  plane.server.configure({ ...plane.config, public_url: undefined });
  const accepted = await call(`${plane.url}/api/y`, { method: 'POST', headers: { prefer: 'respond-async' } });
  expect(accepted.location).toMatch(/^\/-\/holds\/hold_\w+$/);
  expect((await call(`${plane.url}/api/moved`)).location).toBe(`${plane.url}/api/next`);
  plane.server.configure(plane.config);
  expect((await call(`${plane.url}/api/moved`)).location).toBe(`${front}/gateway/api/next`);
});

test.each([
  ['public_url: "gw.example.com"', 'public_url: expected an http or https URL without query, fragment or user'],
  ['public_url: "https://gw?a=1"', 'public_url: expected an http or https URL without query, fragment or user'],
])('a configuration with %s is reported', (line, problem) => {
  expect(() => parseConfig(`${line}\nsystems: { p: { upstream: "http://x" } }`, 'holdpoint.yaml', {})).toThrow(problem);
});

test('a public_url of a system that has no address of its own is reported', () => {
  const text = 'systems: { p: { upstream: "http://x", public_url: "https://p.example.com" } }';
  const problem = 'systems.p.public_url: expected only with hosts or listen';
  expect(() => parseConfig(text, 'holdpoint.yaml', {})).toThrow(problem);
});
