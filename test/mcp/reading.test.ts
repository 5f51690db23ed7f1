import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startDataPlane, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { messagesOf, modern, post, request } from './speak.ts';

const REGO = `package rules.ledger

allow contains {"rule": "read"} if input.action.tool == "read"

allow contains {"rule": "claimed"} if {
	input.action.tool == "claimed"
	input.context.task == "T-1"
}

allow contains {"rule": "subscribe"} if input.action.mcp.method == "resources/subscribe"

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop"
`;

/** A server that answers each request with the tool that it understood, as a reader that takes the last duplicate. */
let server: Upstream;
let plane: DataPlane;
let url: string;

beforeAll(async () => {
  server = await startUpstream(({ body }, response) => {
    const message = JSON.parse(body.toString()) as { id?: unknown; params?: { name?: string } };
    if (message.id === undefined) return void response.writeHead(202).end();
    const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: { content: [], ran: message.params?.name } });
    if (message.params?.name === 'stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`id: 1\ndata: \n\nid: 2\nevent: message\ndata: ${text}\n\n`);
    } else response.writeHead(200, { 'content-type': 'application/json' }).end(text);
  });
  plane = await startDataPlane({
    systems: { ledger: { upstream: server.url, mcp: '/mcp' } },
    rego: { 'ledger.rego': REGO.replace('== "read"', 'in {"read", "stream"}') },
  });
  url = `${plane.url}/ledger/mcp`;
});
beforeEach(() => void server.received.splice(0));
afterAll(async () => {
  await plane.close();
  await server.close();
});

const call = (id: unknown, name: string, more: object = {}) => request(id, 'tools/call', { name, ...more });

describe('a message that servers read in several ways is refused and not forwarded', () => {
  test.each([
    ['another case of name', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Name":"drop"}}'],
    ['another case alone', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"NAME":"drop"}}'],
    [
      'params twice',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"params":{"name":"drop"}}',
    ],
    [
      'params in two cases',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"Params":{"name":"drop"}}',
    ],
    ['method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"drop"}}'],
    [
      'an escaped duplicate',
      '{"jsonrpc":"2.0","id":1,"method":"ping","m\\u0065thod":"tools/call","params":{"name":"drop"}}',
    ],
    ['METHOD with a long s in params', '{"jsonrpc":"2.0","id":1,"method":"tools/call","param\u017f":{"name":"drop"}}'],
    ['an id of null', '{"jsonrpc":"2.0","id":null,"method":"tools/call","params":{"name":"read"}}'],
    ['a fractional id', '{"jsonrpc":"2.0","id":1.5,"method":"tools/call","params":{"name":"read"}}'],
    ['an id with an exponent', '{"jsonrpc":"2.0","id":1e3,"method":"tools/call","params":{"name":"read"}}'],
    ['an object as id', '{"jsonrpc":"2.0","id":{},"method":"tools/call","params":{"name":"read"}}'],
    ['a method and a result', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"},"result":{}}'],
    ['no version of JSON-RPC', '{"id":1,"method":"tools/call","params":{"name":"read"}}'],
    ['a notification with an id', '{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}'],
    ['the name that policy has for a response', '{"jsonrpc":"2.0","id":1,"method":"response"}'],
    ['an empty method', '{"jsonrpc":"2.0","id":1,"method":""}'],
    ['parameters in an array', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["read"]}'],
    ['a tool that is no string', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["read"]}}'],
    ['arguments in an array', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":[]}}'],
    ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}'],
    [
      '129 levels',
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{"a":${'['.repeat(129)}${']'.repeat(129)}}}}`,
    ],
    ['two values', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}{}'],
    ['an empty body', ''],
  ])('with %s', async (_, body) => {
    const response = await post(url, body);
    expect(response.status).toBe(400);
    const { error } = (await response.json()) as { error: { code: number } };
    expect([-32700, -32600, -32602]).toContain(error.code);
    expect(server.received).toEqual([]);
  });

  test('with bytes that are no UTF-8', async () => {
    const response = await post(url, Buffer.from(JSON.stringify(call(1, 'réad')), 'latin1'));
    expect(response.status).toBe(400);
    expect(server.received).toEqual([]);
  });

  test.each(['utf-16le', 'ISO-8859-1', 'utf-7'])('with the charset %s', async (charset) => {
    const response = await post(url, call(1, 'read'), {
      headers: { 'content-type': `application/json; charset=${charset}` },
    });
    expect(response.status).toBe(400);
    expect(server.received).toEqual([]);
  });

  test.each([
    ['Mcp_Session_Id', 'a'],
    ['mcp_name', 'drop'],
  ])('with the header %s, which some servers read as another', async (name, value) => {
    const response = await post(url, call(1, 'read'), { headers: { [name]: value } });
    expect(response.status).toBe(400);
    expect(server.received).toEqual([]);
  });
});

describe('a message of a client is not refused without need', () => {
  test.each([
    ['0', 0],
    ['a negative number', -7],
    ['a string', '1'],
    ['an empty string', ''],
    ['the largest safe integer', 2 ** 53 - 1],
  ])('with the id %s', async (_, id) => {
    const response = await post(url, call(id, 'read'));
    expect(await response.json()).toMatchObject({ id, result: { ran: 'read' } });
  });

  test.each(['arguments', '_meta', 'task'])('with null for %s, as clients in Go write it', async (member) => {
    const sent = call(1, 'read', { [member]: null });
    const response = await post(url, sent);
    expect(await response.json()).toMatchObject({ result: { ran: 'read' } });
    expect(server.received.at(-1)!.body.toString()).toBe(JSON.stringify(sent));
  });

  test('whose members the gateway does not know, and the server gets its bytes', async () => {
    const text = `{ "id":7 ,"jsonrpc":"2.0","method":"tools\\/call","params":{"name":"read","arguments":{"big":12345678901234567890,"A":1},"future":{"x":[1.0]}},"extra":true}`;
    expect((await post(url, text)).status).toBe(200);
    expect(server.received.at(-1)!.body.toString()).toBe(text);
  });

  test('that is compressed, and the server gets it as it was judged', async () => {
    const text = JSON.stringify(call(1, 'read'));
    const response = await post(url, gzipSync(text), { headers: { 'content-encoding': 'gzip' } });
    expect(response.status).toBe(200);
    const [got] = server.received;
    expect(got!.body.toString()).toBe(text);
    expect(got!.headers['content-encoding']).toBeUndefined();
  });
});

test('a request without what it is about is left to the server, which knows what is missing', async () => {
  expect((await post(url, request(1, 'resources/subscribe', {}))).status).toBe(200);
  expect((await post(url, request(1, 'tools/call', {}))).status).toBe(400);
});

describe('the routing headers of 2026-07-28', () => {
  test('that fit the message pass, an encoded name too', async () => {
    const [message, headers] = modern(1, 'tools/call', { name: 'read' });
    const encoded = `=?base64?${Buffer.from('read').toString('base64')}?=`;
    expect((await post(url, message, { headers: { ...headers, 'mcp-name': encoded } })).status).toBe(200);
    expect(server.received.at(-1)!.headers['mcp-name']).toBe(encoded);
  });

  test.each([
    ['another name', { 'mcp-name': 'other' }],
    ['another case of the name', { 'mcp-name': 'READ' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['another revision', { 'mcp-protocol-version': '2025-11-25' }],
  ])('with %s are refused before policy', async (_, wrong) => {
    const [message, headers] = modern('x', 'tools/call', { name: 'read' });
    const response = await post(url, message, { headers: { ...headers, ...wrong } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: 'x', error: { code: -32020 } });
    expect(server.received).toEqual([]);
  });

  test('that are missing are refused', async () => {
    const [message] = modern(1, 'tools/call', { name: 'read' });
    const response = await post(url, message, { headers: { 'mcp-protocol-version': '2026-07-28' } });
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32020 } });
  });
});

describe('a batch', () => {
  const batch = [
    call(1, 'read'),
    call('1', 'drop'),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    call(2, 'stream'),
  ];

  test.each(['2025-06-18', '2025-11-25', '2026-07-28'])('is refused on %s', async (revision) => {
    const response = await post(url, batch, { headers: { 'mcp-protocol-version': revision } });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: null, error: { code: -32600 } });
    expect(server.received).toEqual([]);
  });

  test('of a client that takes no stream is judged one by one and answered in an array', async () => {
    const response = await post(url, batch, { headers: { accept: 'application/json' } });
    expect(response.headers.get('content-type')).toBe('application/json');
    const answers = (await response.json()) as { id: unknown }[];
    expect(answers).toHaveLength(3);
    expect(answers).toContainEqual({ jsonrpc: '2.0', id: 1, result: { content: [], ran: 'read' } });
    expect(answers).toContainEqual({ jsonrpc: '2.0', id: 2, result: { content: [], ran: 'stream' } });
    expect(answers.find(({ id }) => id === '1')).toMatchObject({ result: { isError: true } });
    expect(server.received.map(({ body }) => body.toString()).toSorted()).toEqual(
      [batch[0], batch[2], batch[3]].map((each) => JSON.stringify(each)).toSorted(),
    );
  });

  test('is answered on one stream, without the places of other streams', async () => {
    const response = await post(url, batch, { headers: { 'mcp-protocol-version': '2025-03-26' } });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const answers = await Array.fromAsync(messagesOf(response));
    expect(answers.map(({ id }) => id).toSorted()).toEqual(['1', 1, 2].toSorted());
  });

  test('of one message is answered as one', async () => {
    const response = await post(url, [call(1, 'read')], { headers: { accept: 'application/json' } });
    expect(await response.json()).toEqual([{ jsonrpc: '2.0', id: 1, result: { content: [], ran: 'read' } }]);
  });

  test('of notifications gets 202 without a body', async () => {
    const response = await post(url, [{ jsonrpc: '2.0', method: 'notifications/initialized' }]);
    expect([response.status, await response.text()]).toEqual([202, '']);
  });

  test.each([
    ['an empty array', []],
    ['a batch within a batch', [[call(1, 'read')]]],
    ['one message that is none', [call(1, 'read'), 7]],
    ['the same id twice', [call(1, 'read'), call(1, 'stream')]],
    ['initialize', [request(1, 'initialize', {}), call(2, 'read')]],
    ['101 messages', Array.from({ length: 101 }, (_, id) => call(id, 'read'))],
  ])('is refused as a whole: %s', async (_, messages) => {
    const response = await post(url, messages);
    expect(response.status).toBe(400);
    expect(server.received).toEqual([]);
  });
});

describe('what a message says about itself', () => {
  test('is read from _meta: claims and the trace', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const _meta = { 'holdpoint/context': { task: 'T-1', confidence: 0.5 }, traceparent };
    const response = await post(url, call(1, 'claimed', { _meta }));
    expect(await response.json()).toMatchObject({ result: { ran: 'claimed' } });
    const events = await plane.events();
    expect(events.findLast(({ type }) => type === 'call.decided')).toMatchObject({
      task: 'T-1',
      confidence: 0.5,
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      operation: 'claimed',
    });
  });

  test('is refused with the id of its request if it makes no sense', async () => {
    const response = await post(url, call(5, 'read', { _meta: { 'holdpoint/context': { confidence: 7 } } }));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ id: 5, error: { code: -32602 } });
  });
});
