import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const REGO = `package rules.crm

allow contains {"rule": "tool"} if input.action.tool

hold contains {"rule": "pay"} if input.action.tool == "pay"

block contains {"rule": "wipe"} if input.action.tool == "wipe"
`;

let upstream: Upstream;
let plane: DataPlane;

afterEach(async () => {
  await plane?.close();
  await upstream?.close();
});

type Rpc = { readonly id?: number | string; readonly method: string; readonly params?: object };

/** Begins with a server that answers each message with what `answer` returns: the body of a JSON answer. */
async function begin(answer: (message: Rpc) => string, kept: Kept = {}): Promise<void> {
  upstream = await startUpstream(({ body }, response) => {
    const message = JSON.parse(body.toString()) as Rpc;
    if (message.id === undefined) response.writeHead(202).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(answer(message));
  });
  await startPlane(kept);
}

/** What a gateway shares with the one before it. */
type Kept = { readonly at?: { readonly file: string }; readonly key?: string; readonly wait?: string };

async function startPlane({ wait = '10s', ...kept }: Kept = {}): Promise<void> {
  plane = await startDataPlane({
    systems: { crm: { upstream: upstream.url, mcp: '/mcp', wait } },
    rego: { 'crm.rego': REGO },
    ...kept,
  });
}

function post(body: string): Promise<Response> {
  return fetch(`${plane.url}/crm/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2025-11-25',
    },
    body,
  });
}

function call(id: number | string, name: string, args: object = {}): Promise<Response> {
  return post(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }));
}

/** The response in a JSON answer, or the last of a stream, as JSON text. */
async function responseOf(answer: Response): Promise<string> {
  const text = await answer.text();
  return answer.headers.get('content-type') === 'application/json' ? text : text.split('data: ').at(-1)!.trimEnd();
}

async function pendingHolds(count: number): Promise<readonly string[]> {
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
  await expect.poll(async () => (await pending()).length).toBe(count);
  return (await pending()).map(({ id }) => id);
}

async function approveAll(count: number): Promise<void> {
  for (const id of await pendingHolds(count)) await approve(plane.store, id);
}

describe('A result keeps what the server wrote', () => {
  const RESULT = '{ "content":[], "structuredContent": {"total": 12345678901234567890, "x": 1.0} }';

  test('empty content next to structured content reaches the client byte for byte', async () => {
    await begin(({ id }) => `{"jsonrpc":"2.0", "id":${JSON.stringify(id)}, "result":${RESULT}}`);
    expect(await (await call(1, 'read')).text()).toBe(`{"jsonrpc":"2.0", "id":1, "result":${RESULT}}`);
  });

  test('of a held call, only the id is that of the caller who waits', async () => {
    await begin(({ id }) => `{"jsonrpc":"2.0", "id":${JSON.stringify(id)}, "result":${RESULT}}`);
    const waiting = call('first', 'pay');
    await approveAll(1);
    expect(await responseOf(await waiting)).toBe(`{"jsonrpc":"2.0", "id":"first", "result":${RESULT}}`);
  });
});

describe('A list of tools', () => {
  const READ =
    '{"name":"read", "title":"Read", "description":"Reads \\u00fc", "inputSchema":{"type":"object","properties":{"n":{"type":"integer","maximum":9007199254740993}}},"outputSchema":{"type":"object"},"annotations":{"readOnlyHint":true},"execution":{"taskSupport":"forbidden"},"icons":[],"x-vendor":[1.0 ,2],"_meta":{"a/b":null}}';
  const WIPE = '{"name":"wipe","inputSchema":{"type":"object"}}';
  const PAY = '{"name" : "pay","inputSchema":{"type":"object"} }';
  const list = (id: number, tools: string) =>
    `{"result":{"tools":[ ${tools} ], "nextCursor":"Mg==","x":1},"jsonrpc":"2.0","id":${id}}\n`;

  const PAY_AS_TASK = '{"execution":{"taskSupport":"optional"},"name" : "pay","inputSchema":{"type":"object"} }';

  test('without blocked tools is the bytes of the server, but that a tool which may be held can run as a task', async () => {
    await begin(() => list(1, `${READ} , ${PAY}`));
    const answer = await post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    expect(await answer.text()).toBe(list(1, `${READ} , ${PAY_AS_TASK}`));
  });

  test('loses a blocked tool, and every other byte of a tool stays', async () => {
    await begin(() => list(1, `${READ} , ${WIPE} , ${PAY}`));
    const answer = await post('{"jsonrpc":"2.0","id":1,"method":"tools/list"}');
    expect(await answer.text()).toBe(list(1, `${READ},${PAY_AS_TASK}`));
  });

  test('has a next page although all tools of this one are blocked, and the cursor reaches the server', async () => {
    await begin(() => list(2, WIPE));
    const request = '{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":"MQ=="}}';
    expect(await (await post(request)).text()).toBe(list(2, ''));
    expect(upstream.received.map(({ body }) => body.toString())).toEqual([request]);
  });
});

test.each([
  ['a name in two cases', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Name":"wipe"}}'],
  ['a name twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","name":"wipe"}}'],
  [
    'a lone name in another case',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Arguments":{}}}',
  ],
  [
    'parameters twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"params":{"name":"wipe"}}',
  ],
  [
    'an escaped name again',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","\\u006eame":"wipe"}}',
  ],
  ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"wipe"}}'],
  ['a method in two cases', '{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"wipe"}}'],
  [
    'arguments twice',
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":1,"a":2}}}',
  ],
])('a message with %s is refused, and does not reach the server', async (_, message) => {
  await begin(() => '{}');
  const answer = await post(message);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } });
  expect(upstream.received).toHaveLength(0);
});

describe('The ids 1 and "1"', () => {
  const respond = ({ id, params }: Rpc) => JSON.stringify({ jsonrpc: '2.0', id, result: { of: params } });

  test('are two calls at once, each held and answered by itself', async () => {
    await begin(respond);
    const both = [call(1, 'pay', { amount: 1 }), call('1', 'pay', { amount: 2 })];
    await approveAll(2);
    const responses = (await Promise.all((await Promise.all(both)).map(responseOf))).map((text) => JSON.parse(text));
    expect(responses).toEqual([
      { jsonrpc: '2.0', id: 1, result: { of: { name: 'pay', arguments: { amount: 1 } } } },
      { jsonrpc: '2.0', id: '1', result: { of: { name: 'pay', arguments: { amount: 2 } } } },
    ]);
  });

  test('of one and the same call share its hold, and each gets the result under its own id', async () => {
    await begin(respond);
    const both = [call(1, 'pay', { amount: 1 }), call('1', 'pay', { amount: 1 })];
    await approveAll(1);
    const responses = (await Promise.all((await Promise.all(both)).map(responseOf))).map((text) => JSON.parse(text));
    const result = { of: { name: 'pay', arguments: { amount: 1 } } };
    expect(responses).toEqual([
      { jsonrpc: '2.0', id: 1, result },
      { jsonrpc: '2.0', id: '1', result },
    ]);
    expect(upstream.received).toHaveLength(1);
  });
});

describe('An approval', () => {
  const respond = ({ id }: Rpc) => JSON.stringify({ jsonrpc: '2.0', id, result: { content: [] } });

  test('covers the arguments that were approved, and no others', async () => {
    await begin(respond, { wait: '500ms' });
    const pay = async (id: number, amount: number) =>
      JSON.parse(await responseOf(await call(id, 'pay', { to: 'ana', amount })));
    await pay(1, 5);
    await approveAll(1);
    expect(await pay(2, 50)).toMatchObject({
      result: { _meta: { 'holdpoint/decision': { code: 'approval-pending' } } },
    });
    expect(upstream.received).toHaveLength(0);
    expect(await pay(3, 5)).toEqual({ jsonrpc: '2.0', id: 3, result: { content: [] } });
    expect(upstream.received).toHaveLength(1);
  });

  test('outlives the gateway, and lets the call through once', async () => {
    const folder = tempFolder();
    onTestFinished(folder.remove);
    const kept = { at: { file: join(folder.path, 'holds.sqlite') }, key: join(folder.path, 'holds.key') };
    await begin(respond, { ...kept, wait: '500ms' });
    expect(JSON.parse(await responseOf(await call(1, 'pay', { amount: 5 })))).toMatchObject({
      result: { isError: true, _meta: { 'holdpoint/decision': { code: 'approval-pending' } } },
    });
    await plane.close();
    await startPlane({ ...kept, wait: '500ms' });
    await approveAll(1);
    const again = JSON.parse(await responseOf(await call(7, 'pay', { amount: 5 })));
    expect(again).toEqual({ jsonrpc: '2.0', id: 7, result: { content: [] } });
    // Executed before: this one is another call, and needs an approval of its own.
    expect(JSON.parse(await responseOf(await call(8, 'pay', { amount: 5 })))).toMatchObject({
      id: 8,
      result: { isError: true, _meta: { 'holdpoint/decision': { code: 'approval-pending' } } },
    });
    expect(upstream.received).toHaveLength(1);
  });
});

test('a client that gives up a call that runs tells the server, with the id of that call', async () => {
  const cancelled: unknown[] = [];
  let called: unknown = null;
  upstream = await startUpstream(({ body, method }, response) => {
    if (method !== 'POST') return response.writeHead(405).end();
    const message = JSON.parse(body.toString()) as Rpc & { params: { requestId?: unknown } };
    if (message.method === 'notifications/cancelled') cancelled.push(message.params.requestId);
    if (message.id === undefined) return response.writeHead(202).end();
    if (message.method === 'tools/call') {
      called = message.id;
      return;
    }
    const server = { capabilities: { tools: {} }, serverInfo: { name: 'crm', version: '1' } };
    const result = { protocolVersion: '2025-11-25', ...server };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }));
  });
  await startPlane();
  const client = new Client({ name: 'test', version: '1.0.0' });
  const requestInit = { headers: { authorization: `Bearer ${TOKEN}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL(`${plane.url}/crm/mcp`), { requestInit }));
  const patience = new AbortController();
  const running = client.callTool({ name: 'read' }, undefined, { signal: patience.signal });
  await expect.poll(() => called).not.toBeNull();
  patience.abort();
  await expect(running).rejects.toThrow();
  await expect.poll(() => cancelled).toEqual([called]);
  await client.close();
});
