import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream } from '../helpers/upstream.ts';
import { startLegacyServer, type TestServer } from './legacy-server.ts';
import { modern, post, request } from './speak.ts';

const REGO = 'package rules.all\n\nallow contains {"rule": "all"} if true\n';

const folder = tempFolder();
let server: TestServer;
let plane: DataPlane;
let url: string;

function start(): Promise<DataPlane> {
  return startDataPlane({
    systems: { ledger: { upstream: server.url, mcp: '/mcp' } },
    rego: { 'all.rego': REGO },
    key: join(folder.path, 'holds.key'),
  });
}

beforeAll(async () => {
  server = await startLegacyServer();
  plane = await start();
  url = `${plane.url}/ledger/mcp`;
});
afterAll(async () => {
  await plane.close();
  await server.close();
  folder.remove();
});

async function connect(): Promise<{ client: Client; transport: StreamableHTTPClientTransport; session: string }> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${TOKEN}` } },
  });
  await client.connect(transport);
  return { client, transport, session: transport.sessionId! };
}

const refund = (id: number) => request(id, 'tools/call', { name: 'refund', arguments: { amount: id } });

test.each(['POST', 'GET', 'DELETE'])('the session of another agent is unknown to %s, and lives on', async (method) => {
  const from = server.requests.length;
  const { client, session } = await connect();
  // The client opens a stream of its own, which is not what this is about.
  await expect.poll(() => server.requests.slice(from).some((sent) => sent.method === 'GET')).toBe(true);
  const before = server.requests.length;
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${OTHER_TOKEN}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-session-id': session,
    },
    ...(method === 'POST' && { body: JSON.stringify(refund(1)) }),
  });
  expect(response.status).toBe(404);
  await response.body?.cancel();
  expect(server.requests.slice(before)).toEqual([]);
  expect(await client.callTool({ name: 'refund', arguments: { amount: 3 } })).toMatchObject({
    structuredContent: { refunded: 3 },
  });
  await client.close();
});

test.each([
  ["the server's own id", (session: string) => session.slice(0, session.indexOf('.hp_pass_'))],
  ['another id with the same pass', (session: string) => `x${session}`],
  // Of the last character, some bits may stand for nothing.
  ['a changed pass', (session: string) => session.slice(0, -2) + (session.at(-2) === 'A' ? 'B' : 'A') + session.at(-1)],
  ['no id', () => ''],
])('%s is no session', async (_, change) => {
  const { client, session } = await connect();
  const response = await post(url, refund(1), { headers: { 'mcp-session-id': change(session) } });
  expect(response.status).toBe(404);
  await response.body?.cancel();
  await client.close();
});

test('the server gets its own id, and the client keeps the one that it has', async () => {
  const { client, transport, session } = await connect();
  await client.callTool({ name: 'refund', arguments: { amount: 1 } });
  expect(transport.sessionId).toBe(session);
  const ids = server.requests.map(({ headers }) => headers['mcp-session-id']);
  expect(session.startsWith(`${String(ids.at(-1))}.`)).toBe(true);
  await client.close();
});

test('a request of 2026-07-28 has no session, whatever its headers say', async () => {
  const { client, session } = await connect();
  const [message, headers] = modern(1, 'tools/call', { name: 'refund', arguments: { amount: 1 } });
  const response = await post(url, message, { headers: { ...headers, 'mcp-session-id': session }, token: OTHER_TOKEN });
  await response.body?.cancel();
  expect(server.requests.at(-1)!.headers['mcp-session-id']).toBeUndefined();
  await client.close();
});

test('a session ends at its server, whose 404 tells the client to begin another', async () => {
  const { client, transport, session } = await connect();
  await transport.terminateSession();
  const response = await post(url, refund(1), { headers: { 'mcp-session-id': session } });
  expect(response.status).toBeGreaterThanOrEqual(400);
  await response.body?.cancel();
  await client.close();
});

test('a session outlives a restart of the gateway', async () => {
  const { client, session } = await connect();
  const { server: gateway } = plane;
  await gateway.drain(500);
  await plane.close();
  plane = await start();
  url = `${plane.url}/ledger/mcp`;
  const response = await post(url, refund(2), { headers: { 'mcp-session-id': session } });
  expect(await response.text()).toContain('"refunded":2');
  const foreign = await post(url, refund(2), { headers: { 'mcp-session-id': session }, token: OTHER_TOKEN });
  expect(foreign.status).toBe(404);
  await foreign.body?.cancel();
  await client.close();
});

test('two agents, and two clients of one of them, keep the state of their sessions apart', async () => {
  const counts = new Map<string, number>();
  const counter = await startUpstream(({ body, headers }, response) => {
    const { id, method } = JSON.parse(body.toString()) as { id?: number; method: string };
    const session = headers['mcp-session-id'];
    response.setHeader('content-type', 'application/json');
    if (id === undefined) return void response.writeHead(202).end();
    if (method === 'initialize') response.setHeader('mcp-session-id', `s${counts.size}`);
    const count = typeof session === 'string' ? counts.get(session)! + 1 : 0;
    counts.set(typeof session === 'string' ? session : `s${counts.size}`, count);
    response.end(JSON.stringify({ jsonrpc: '2.0', id, result: { count } }));
  });
  const own = await startDataPlane({
    systems: { counter: { upstream: counter.url, mcp: '/mcp' } },
    rego: { 'all.rego': REGO },
  });
  const at = `${own.url}/counter/mcp`;
  const open = async (token: string): Promise<() => Promise<number>> => {
    const answer = await post(at, request(0, 'initialize', {}), { token });
    const headers = { 'mcp-session-id': answer.headers.get('mcp-session-id')! };
    await answer.text();
    return async () => {
      const counted = await post(at, request(1, 'tools/call', { name: 'count' }), { token, headers });
      return ((await counted.json()) as { result: { count: number } }).result.count;
    };
  };
  const clients = [await open(TOKEN), await open(OTHER_TOKEN), await open(TOKEN)];
  for (let n = 1; n <= 5; n++) expect(await Promise.all(clients.map((count) => count()))).toEqual([n, n, n]);
  await own.close();
  await counter.close();
});
