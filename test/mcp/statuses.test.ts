import { request as open, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';
import { messagesOf, modern, post, request } from './speak.ts';

const REGO = `package rules.ledger

allow contains {"rule": "tools"} if input.action.tool

hold contains {"rule": "hold", "reason": "A person looks at it."} if input.action.tool == "held"

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop"
`;

let serve: (received: Received, response: ServerResponse) => void = () => {};
let server: Upstream;
let plane: DataPlane;
let url: string;

beforeAll(async () => {
  server = await startUpstream((received, response) => serve(received, response));
  plane = await startDataPlane({
    systems: {
      ledger: { upstream: server.url, mcp: '/mcp', wait: '20s', cors: { origins: ['https://app.example.com'] } },
    },
    rego: { 'ledger.rego': REGO },
  });
  url = `${plane.url}/ledger/mcp`;
});
beforeEach(() => void server.received.splice(0));
afterAll(async () => {
  await plane.close();
  await server.close();
});

const bearer = { authorization: `Bearer ${TOKEN}` };
const tool = (id: unknown, name = 'read', args: object = {}) => request(id, 'tools/call', { name, arguments: args });

async function approveHeld(): Promise<void> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
  await expect.poll(pending).toBeDefined();
  await approve(plane.store, (await pending())!.id);
}

const STATUSES = [301, 308, 400, 401, 403, 404, 405, 406, 409, 415, 422, 429, 500, 501, 502, 503];
const BODIES = [
  ['a JSON-RPC error', 'application/json', '{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"no"}}'],
  ['other JSON', 'application/problem+json', '{"detail":"no"}'],
  ['a page', 'text/html; charset=utf-8', '<h1>no</h1>'],
  ['nothing', undefined, ''],
] as const;

describe.each(BODIES)('a status of the server with %s', (_, type, body) => {
  beforeAll(() => {
    serve = ({ url: path }, response) => {
      response.statusCode = Number(new URL(path, server.url).searchParams.get('status'));
      if (type) response.setHeader('content-type', type);
      response.setHeader('www-authenticate', 'Bearer scope="x"').setHeader('retry-after', '7').end(body);
    };
  });

  test.each(STATUSES)('%d passes as it is', async (status) => {
    const to = `${url}?status=${status}`;
    for (const answer of [
      await fetch(to, {
        method: 'POST',
        redirect: 'manual',
        headers: { ...bearer, 'content-type': 'application/json' },
        body: JSON.stringify(tool(1)),
      }),
      await fetch(to, { redirect: 'manual', headers: { ...bearer, accept: 'text/event-stream' } }),
      await fetch(to, { method: 'DELETE', redirect: 'manual', headers: bearer }),
    ]) {
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
        status,
        type ?? null,
        body,
      ]);
      expect([answer.headers.get('www-authenticate'), answer.headers.get('retry-after')]).toEqual([
        'Bearer scope="x"',
        '7',
      ]);
    }
  });

  test.each([403, 500])('%d is the result of a held call, under the id of its caller', async (status) => {
    const waiting = post(`${url}?status=${status}`, tool('h', 'held', { body, status }));
    await approveHeld();
    const [response, ...others] = await Array.fromAsync(messagesOf(await waiting));
    expect(others).toEqual([]);
    const isMessage = body.startsWith('{"jsonrpc"');
    expect(response).toMatchObject({ jsonrpc: '2.0', id: 'h', error: { code: isMessage ? -32603 : status } });
  });
});

test('a redirect to the same server leads through the gateway, and the call is judged again', async () => {
  serve = ({ url: path, body }, response) => {
    if (path === '/mcp') return void response.writeHead(307, { location: `${server.url}/mcp/` }).end();
    const { id } = JSON.parse(body.toString()) as { id: unknown };
    response
      .setHeader('content-type', 'application/json')
      .end(JSON.stringify({ jsonrpc: '2.0', id, result: { path } }));
  };
  const answer = await post(url, tool(3));
  expect([answer.url, await answer.json()]).toEqual([`${url}/`, { jsonrpc: '2.0', id: 3, result: { path: '/mcp/' } }]);
  expect(server.received).toHaveLength(2);
});

describe('a method of HTTP', () => {
  test('DELETE without a session reaches the server', async () => {
    serve = (_, response) => response.writeHead(405, { allow: 'POST' }).end();
    const answer = await fetch(url, { method: 'DELETE', headers: bearer });
    expect([answer.status, server.received[0]?.method]).toEqual([405, 'DELETE']);
  });

  test.each(['GET', 'DELETE'])('%s of 2026-07-28, which has none, gets the 405 of the server', async (method) => {
    serve = (_, response) => response.writeHead(405, { allow: 'POST' }).end();
    const headers = { ...bearer, accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28' };
    const answer = await fetch(url, { method, headers });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
  });

  test.each(['GET', 'DELETE'])('%s with a body is refused', async (method) => {
    const { hostname, port } = new URL(url);
    const status = await new Promise((resolve, reject) => {
      open({ hostname, port, path: '/ledger/mcp', method, headers: { ...bearer, 'content-length': 2 } }, (answer) => {
        resolve(answer.resume().statusCode);
      })
        .on('error', reject)
        .end('{}');
    });
    expect([status, server.received]).toEqual([400, []]);
  });
});

describe('the types that a client takes', () => {
  const answerJson = ({ body }: Received, response: ServerResponse) => {
    const { id } = JSON.parse(body.toString()) as { id: unknown };
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result: {} }));
  };
  const ACCEPTS = [
    ['both', 'application/json, text/event-stream', true],
    ['both, in capitals', 'Application/JSON, Text/Event-Stream', true],
    ['all', '*/*', true],
    ['all of two kinds', 'application/*, text/*', true],
    ['JSON alone', 'application/json', false],
    ['streams alone', 'text/event-stream', true],
    ['none', null, true],
  ] as const;

  test.each(ACCEPTS)('reach the server: %s', async (_, accept) => {
    serve = answerJson;
    expect(await (await send(tool(1), accept)).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    expect(server.received[0]!.headers.accept).toBe(accept ?? undefined);
  });

  test.each(ACCEPTS)('choose how a held call waits: %s', async (_, accept, isStream) => {
    serve = answerJson;
    const waiting = send(tool(7, 'held', { accept }), accept);
    await approveHeld();
    const answer = await waiting;
    expect(answer.headers.get('content-type')).toBe(isStream ? 'text/event-stream' : 'application/json');
    const response = isStream ? (await Array.fromAsync(messagesOf(answer))).at(-1) : await answer.json();
    expect(response).toEqual({ jsonrpc: '2.0', id: 7, result: {} });
  });

  test.each(ACCEPTS)('choose how a refusal comes: %s', async (_, accept) => {
    const answer = await send(tool(8, 'drop'), accept);
    const onlyStream = accept === 'text/event-stream';
    expect(answer.headers.get('content-type')).toBe(onlyStream ? 'text/event-stream' : 'application/json');
    const response = onlyStream ? (await Array.fromAsync(messagesOf(answer)))[0] : await answer.json();
    expect(response).toMatchObject({ id: 8, result: { isError: true } });
  });

  /** As programs without an SDK do: `fetch` always has an Accept. */
  async function send(message: object, accept: string | null): Promise<Response> {
    return new Promise((resolve, reject) => {
      const headers = { ...bearer, 'content-type': 'application/json', ...(accept !== null && { accept }) };
      open(url, { method: 'POST', headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          const fields = { 'content-type': answer.headers['content-type'] ?? '' };
          resolve(new Response(Buffer.concat(chunks), { status: answer.statusCode!, headers: fields }));
        });
      })
        .on('error', reject)
        .end(JSON.stringify(message));
    });
  }
});

describe('headers', () => {
  test('that the gateway does not know reach the server: Mcp-Param of any name', async () => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    const [message, headers] = modern(1, 'tools/call', { name: 'read', arguments: { region: 'eu' } });
    await post(url, message, { headers: { ...headers, 'mcp-param-region': 'eu', 'Mcp-Param-X.y~1': '7' } });
    const [got] = server.received;
    expect(got!.headers).toMatchObject({
      'mcp-param-region': 'eu',
      'mcp-param-x.y~1': '7',
      'mcp-method': 'tools/call',
    });
  });

  test('of the name of a tool in other letters pass, encoded as the client sent them', async () => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    const name = 'überweisung_支払い';
    const encoded = `=?base64?${Buffer.from(name).toString('base64')}?=`;
    const [message, headers] = modern(1, 'tools/call', { name });
    expect((await post(url, message, { headers: { ...headers, 'mcp-name': encoded } })).status).toBe(200);
    expect(server.received[0]!.headers['mcp-name']).toBe(encoded);
    const wrong = `=?base64?${Buffer.from('überweisung').toString('base64')}?=`;
    expect((await post(url, message, { headers: { ...headers, 'mcp-name': wrong } })).status).toBe(400);
    expect(server.received).toHaveLength(1);
  });

  test('that keep proxies from collecting a stream are those of the server, and of a stream on which a call waits', async () => {
    serve = (_, response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no', 'cache-control': 'no-cache' })
        .end('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
    const waiting = post(url, tool(1, 'held', { of: 'headers' }));
    const held = await waiting;
    await approveHeld();
    for (const answer of [await post(url, tool(1)), held]) {
      expect(answer.headers.get('x-accel-buffering')).toBe('no');
      expect(answer.headers.get('cache-control')).toContain('no-cache');
      await answer.text();
    }
  });

  test('let a page of a permitted origin read the id of its session', async () => {
    serve = (_, response) =>
      response
        .setHeader('content-type', 'application/json')
        .setHeader('mcp-session-id', 's-1')
        .end('{"jsonrpc":"2.0","id":1,"result":{}}');
    const answer = await post(url, request(1, 'initialize', {}), { headers: { origin: 'https://app.example.com' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    expect(answer.headers.get('access-control-expose-headers')).toMatch(/^\*$|mcp-session-id/i);
    expect(answer.headers.get('mcp-session-id')).toMatch(/^s-1\./);
  });

  test('of another host change nothing in what the gateway says of itself', async () => {
    const forwarded = {
      'x-forwarded-host': 'evil.example.com',
      'x-forwarded-proto': 'https',
      forwarded: 'host=evil.example.com',
    };
    const at = (path: string) => fetch(plane.url + path, { headers: forwarded });
    expect((await at('/.well-known/oauth-protected-resource/ledger/mcp')).status).toBe(404);
    const refused = await at('/ledger/mcp');
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="holdpoint"']);
    for (const answer of [refused, await at('/.well-known/oauth-authorization-server')])
      expect(JSON.stringify([...answer.headers]) + (await answer.text())).not.toContain('evil');
  });
});
