import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createEvaluator } from '../../gateway/decide/evaluator.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { compileRego } from '../helpers/policy.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';
import { eventsOf, messagesOf, modern, post, request } from './speak.ts';

const REGO = `package rules.ledger

allow contains {"rule": "tools"} if input.action.tool != "drop"

allow contains {"rule": "prompts"} if input.action.mcp.method == "prompts/get"

hold contains {"rule": "hold", "reason": "A person looks at it."} if input.action.tool == "held"

block contains {"rule": "no-drops", "reason": "Nothing is dropped here."} if input.action.tool == "drop"

block contains {"rule": "no-sampling", "reason": "The server may not ask the model."} if {
	input.action.mcp.from == "server"
	input.action.mcp.method == "sampling/createMessage"
}
`;

type Serve = (received: Received, response: ServerResponse, request: IncomingMessage) => void;
let serve: Serve = () => {};
let server: Upstream;
let plane: DataPlane;
let url: string;
let notReady: string | null = null;

beforeAll(async () => {
  server = await startUpstream((...of) => serve(...of));
  const bundle = await compileRego({ 'ledger.rego': REGO });
  plane = await startDataPlane({
    systems: {
      ledger: {
        upstream: server.url,
        mcp: '/mcp',
        timeout: '1s',
        connections: 1,
        hosts: ['ledger.example.com'],
        cors: { origins: ['https://app.example.com'] },
      },
      plain: { upstream: server.url },
    },
    rego: bundle,
    notReady: () => notReady,
  });
  url = `${plane.url}/ledger/mcp`;
});
afterEach(() => {
  server.received.splice(0);
  notReady = null;
});
afterAll(async () => {
  await plane.close();
  await server.close();
});

const bearer = { authorization: `Bearer ${TOKEN}` };
const tool = (id: unknown, name = 'read') => request(id, 'tools/call', { name });

function openStream(headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { headers: { ...bearer, accept: 'text/event-stream', ...headers } });
}

function stream(response: ServerResponse, ...pieces: string[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  for (const piece of pieces) response.write(piece);
}

describe('a GET stream', () => {
  test('has its head at once and outlives the time-out of the system', async () => {
    let open: ServerResponse | null = null;
    serve = (_, response) => stream((open = response));
    const response = await openStream();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
    // Longer than the time-out, which the gateway looks at every few seconds at most.
    await new Promise((resolve) => setTimeout(resolve, 5500));
    open!.end('data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n');
    expect(await Array.fromAsync(messagesOf(response))).toHaveLength(1);
  }, 15_000);

  test('takes no place among the connections of the system', async () => {
    serve = ({ method }, response) =>
      method === 'GET'
        ? stream(response)
        : response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    const streams = await Promise.all([openStream(), openStream(), openStream()]);
    expect(await (await post(url, tool(1))).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    await Promise.all(streams.map((each) => each.body!.cancel()));
  });

  test('passes byte for byte: priming events, ids, comments and retry, in any line end', async () => {
    const text =
      'id: 1_a\ndata: \n\nretry: 500\r\n\r\n: comment\n\nevent: message\nid: 2\ndata: {"jsonrpc":"2.0",\ndata: "method":"notifications/message"}\r\rdata:{"jsonrpc":"2.0","method":"x"}\n\n';
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      // Byte by byte, so that every border falls between two reads.
      for (const byte of text) response.write(byte);
      response.end();
    };
    const response = await openStream({ 'last-event-id': '1_a' });
    expect(await response.text()).toBe(text);
    expect(server.received.at(-1)!.headers['last-event-id']).toBe('1_a');
  });

  test('ends when its agent is suspended', async () => {
    serve = (_, response) => stream(response, ': open\n\n');
    const response = await openStream();
    const rest = response.text().then(
      () => 'whole',
      () => 'cut',
    );
    const suspension = { kind: 'agent', name: 'billing-bot' } as const;
    await plane.store.suspensions.suspend({ ...suspension, by: 'dora@example.com', channel: 'api', reason: null });
    expect(await rest).toBe('cut');
    const refused = await post(url, tool(9));
    expect(await refused.json()).toMatchObject({ id: 9, result: { isError: true } });
    await plane.store.suspensions.resume('agent', 'billing-bot', 'dora@example.com', 'api');
    await plane.store.suspensions.refresh();
  });
});

test('a batch with a held call is answered as each answer comes', async () => {
  serve = (_, response) =>
    response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
  const answers = messagesOf(await post(url, [tool(1), tool(2, 'held')]));
  expect((await answers.next()).value).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
  const held = () => plane.store.holds.list({ status: 'pending', limit: 1 });
  await expect.poll(async () => (await held()).items.length).toBe(1);
  const { id } = (await held()).items[0]!;
  await approve(plane.store, id);
  expect((await answers.next()).value).toMatchObject({ id: 2 });
  expect((await answers.next()).done).toBe(true);
});

test.each([400, 404, 405])("the server's %d passes with its body", async (status) => {
  const body = '{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad Request: Unsupported"},"id":null}';
  serve = (_, response) => response.writeHead(status, { 'content-type': 'application/json', allow: 'POST' }).end(body);
  for (const response of [
    await post(url, tool(1)),
    await openStream(),
    await fetch(url, { method: 'DELETE', headers: bearer }),
  ]) {
    expect([response.status, await response.text()]).toEqual([status, body]);
    expect(response.headers.get('allow')).toBe('POST');
  }
});

test('202 stays empty', async () => {
  serve = (_, response) => response.writeHead(202).end();
  const response = await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' });
  expect([response.status, await response.text()]).toEqual([202, '']);
});

describe('the origin of a page', () => {
  test.each([
    ['http://localhost:6274', 200],
    ['http://127.0.0.1:8080', 200],
    ['http://[::1]:8080', 200],
    ['https://app.example.com', 200],
    ['https://ledger.example.com', 200],
    ['http://evil.example.com', 403],
    ['http://localhost.evil.example.com', 403],
    ['http://127.0.0.1.evil.example.com', 403],
    ['null', 403],
  ])('%s gets %d', async (origin, status) => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    const response = await post(url, tool(1), { headers: { origin } });
    expect([response.status, server.received.length]).toEqual([status, status === 200 ? 1 : 0]);
    await response.body?.cancel();
  });
});

describe('a client that looks for an authorization server', () => {
  test.each([
    '/ledger/.well-known/oauth-protected-resource',
    '/ledger/.well-known/openid-configuration',
    '/.well-known/oauth-protected-resource/ledger/mcp',
    '/.well-known/oauth-authorization-server',
  ])('gets 404 at %s, with a token or without', async (path) => {
    for (const headers of [{}, bearer]) {
      const response = await fetch(plane.url + path, { headers });
      expect(response.status).toBe(404);
      await response.body?.cancel();
    }
    expect(server.received).toEqual([]);
  });

  test('reaches a system that does not speak MCP', async () => {
    serve = (_, response) => response.end('{}');
    const response = await fetch(`${plane.url}/plain/.well-known/openid-configuration`, { headers: bearer });
    expect([response.status, server.received.length]).toEqual([403, 0]);
    await response.body?.cancel();
  });
});

describe('a large event in one line', () => {
  test.each([2, 20])('of %d MiB passes', async (size) => {
    const event = `data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${'x'.repeat(size * 2 ** 20)}"}]}}\n\n`;
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event);
    };
    expect(await (await post(url, tool(1))).text()).toBe(event);
  });
});

test('a reader that stops holds back the server', async () => {
  const total = 256;
  let written = 0;
  serve = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const write = (): void => {
      while (written < total) {
        written += 1;
        if (
          !response.write(
            `data: {"jsonrpc":"2.0","method":"notifications/message","params":"${'x'.repeat(2 ** 20)}"}\n\n`,
          )
        ) {
          response.once('drain', write);
          return;
        }
      }
      response.end();
    };
    write();
  };
  const socket = await dial(plane.url);
  socket.pause();
  socket.write(
    `GET /ledger/mcp HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\naccept: text/event-stream\r\n\r\n`,
  );
  const settled = async (): Promise<number> => {
    for (let before = -1; ;) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (written > 0 && written === before) return written;
      before = written;
    }
  };
  expect(await settled()).toBeLessThan(total / 2);
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => (bytes += chunk.length));
  socket.resume();
  await expect.poll(() => bytes).toBeGreaterThan(total * 2 ** 20);
  socket.destroy();
});

function dial(to: string): Promise<Socket> {
  const { hostname, port } = new URL(to);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => resolve(socket));
  });
}

describe('an answer that is compressed although nobody asked', () => {
  test('is not asked for', async () => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
    await (await post(url, tool(1))).text();
    expect(server.received.at(-1)!.headers['accept-encoding']).toBe('identity');
  });
});

describe('while the gateway takes no calls', () => {
  test('a message gets an error with its id, and status 200', async () => {
    notReady = 'draining';
    const response = await post(url, tool('seven'));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      id: 'seven',
      error: { code: 503, data: { 'holdpoint/decision': { code: 'draining' } } },
    });
    expect(server.received).toEqual([]);
  });

  test('each request of a batch gets an error with its id', async () => {
    notReady = 'draining';
    const messages = [tool(1), { jsonrpc: '2.0', method: 'notifications/initialized' }, tool('1')];
    const response = await post(url, messages, { headers: { accept: 'application/json' } });
    expect(await response.json()).toMatchObject([
      { id: 1, error: { code: 503 } },
      { id: '1', error: { code: 503 } },
    ]);
  });

  test('a message that cannot be recorded gets an error with its id, and is not forwarded', async () => {
    const full = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp' } },
      rego: { 'ledger.rego': REGO },
      journalLimit: 1,
    });
    const response = await post(`${full.url}/ledger/mcp`, tool(7));
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { id: 7, error: { code: 503, data: { 'holdpoint/decision': { code: 'journal-unavailable' } } } },
    ]);
    expect(server.received).toEqual([]);
    await full.close();
  });

  test('another call gets 503', async () => {
    notReady = 'draining';
    const response = await fetch(`${plane.url}/plain/x`, { headers: bearer });
    expect(response.status).toBe(503);
    await response.body?.cancel();
  });
});

describe('a gateway that shuts down', () => {
  test('ends a stream on which a client only listens, and lets a call finish', async () => {
    const own = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp' } },
      rego: { 'ledger.rego': REGO },
    });
    let finish = (): void => {};
    const asked = new Promise<void>((resolve) => {
      serve = ({ method }, response) => {
        if (method === 'GET') stream(response, ': open\n\n');
        else {
          finish = () =>
            void response.setHeader('content-type', 'application/json').end('{"jsonrpc":"2.0","id":1,"result":{}}');
          resolve();
        }
      };
    });
    const listening = await fetch(`${own.url}/ledger/mcp`, { headers: { ...bearer, accept: 'text/event-stream' } });
    const call = post(`${own.url}/ledger/mcp`, tool(1));
    await asked;
    const closed = own.close();
    const ended = await listening.text().catch(() => 'cut');
    expect(ended).toBe('cut');
    finish();
    expect(await (await call).json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} });
    await closed;
  });
});

describe('what the server asks of its client', () => {
  const asks = (id: unknown, method: string) => `data: ${JSON.stringify(request(id, method, { prompt: 'x' }))}\n\n`;
  const answer = 'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n';

  test('is judged and recorded: one passes, the other is refused to the server', async () => {
    const refused = new Promise<Received>((resolve) => {
      serve = (received, response) => {
        const message = JSON.parse(received.body.toString()) as { method?: string };
        if (message.method === undefined) {
          resolve(received);
          response.writeHead(202).end();
          return;
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(asks('s1', 'sampling/createMessage') + asks('e1', 'elicitation/create') + answer);
      };
    });
    const before = (await plane.events()).length;
    const response = await post(url, tool(1));
    expect(await response.text()).toBe(asks('e1', 'elicitation/create') + answer);
    expect(JSON.parse((await refused).body.toString())).toMatchObject({ id: 's1', error: { code: -1 } });
    await expect
      .poll(async () =>
        (await plane.events())
          .slice(before)
          .filter(({ type }) => type === 'call.decided' || type === 'call.completed')
          .map(({ type, operation, verdict }) => `${type} ${operation} ${verdict}`)
          .toSorted(),
      )
      .toEqual(
        [
          'call.decided read allow',
          'call.completed read allow',
          'call.decided mcp:sampling/createMessage block',
          'call.completed mcp:sampling/createMessage block',
          'call.decided mcp:elicitation/create allow',
          'call.completed mcp:elicitation/create allow',
        ].toSorted(),
      );
  });

  test('is judged by the time at which it asks', async () => {
    let now = Date.parse('2026-11-29T09:00:00Z');
    const own = await startDataPlane({
      systems: { ledger: { upstream: server.url, mcp: '/mcp' } },
      rego: {
        'ledger.rego':
          'package rules.ledger\n\nblock contains {"rule": "closed"} if {\n\tinput.action.mcp.from == "server"\n\tinput.context.time >= "2026-11-29T18"\n}\n',
      },
      clock: () => now,
    });
    let open: ServerResponse | null = null;
    serve = ({ method }, response) => {
      if (method === 'GET') stream((open = response));
      else response.writeHead(202).end();
    };
    const response = await fetch(`${own.url}/ledger/mcp`, { headers: { ...bearer, accept: 'text/event-stream' } });
    const messages = messagesOf(response);
    open!.write(asks('in time', 'elicitation/create'));
    expect((await messages.next()).value).toMatchObject({ id: 'in time' });
    now += 10 * 3_600_000;
    open!.end(asks('too late', 'elicitation/create') + answer);
    expect((await messages.next()).value).toMatchObject({ id: 1 });
    await own.close();
  });

  test.each([
    ['a batch', `data: [${JSON.stringify(request(1, 'sampling/createMessage'))}]\n\n`],
    ['two methods', 'data: {"jsonrpc":"2.0","id":1,"method":"ping","method":"sampling/createMessage"}\n\n'],
    ['no JSON', 'data: {"jsonrpc"\n\n'],
    ['a byte order mark before it', '\ufeffdata: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage"}\n\n'],
    ['a result and a method', 'data: {"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","result":{}}\n\n'],
    ['a method of another case', 'data: {"jsonrpc":"2.0","id":1,"METHOD":"sampling/createMessage"}\n\n'],
    [
      'a notification by its first method',
      'data: {"jsonrpc":"2.0","method":"sampling/createMessage","id":1,"ID":2}\n\n',
    ],
  ])('does not pass if it cannot be read: %s', async (_, event) => {
    serve = ({ body }, response) => {
      if (!body.toString().includes('tools/call')) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(event + answer);
    };
    expect(await (await post(url, tool(1))).text()).toBe(answer);
  });
});

describe('what the server asks of its client in a result of 2026-07-28', () => {
  const asks = (...methods: string[]) => ({
    resultType: 'input_required',
    inputRequests: Object.fromEntries(methods.map((method) => [method, { method, params: {} }])),
  });

  test.each([
    ['as JSON', false],
    ['in a stream', true],
  ])('passes byte for byte if policy permits it, %s', async (_, isStream) => {
    const json = ` {"result": ${JSON.stringify(asks('elicitation/create'))} ,"id":1,"jsonrpc":"2.0"}`;
    serve = (_received, response) => {
      response.writeHead(200, { 'content-type': isStream ? 'text/event-stream' : 'application/json' });
      response.end(isStream ? `data:${json}\n\n` : json);
    };
    const [message, headers] = modern(1, 'tools/call', { name: 'read' });
    expect(await (await post(url, message, { headers })).text()).toBe(isStream ? `data:${json}\n\n` : json);
  });

  test.each([
    ['tools/call', { result: { resultType: 'complete', isError: true } }],
    ['prompts/get', { error: { code: 403 } }],
  ])('does not pass if policy blocks one of it: %s', async (method, refused) => {
    const json = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      result: asks('elicitation/create', 'sampling/createMessage'),
    });
    serve = (_received, response) =>
      response.setHeader('content-type', 'application/json').end(json.replace('inputRequests', '\\u0069nputRequests'));
    const [message, headers] = modern(1, method, { name: 'read' });
    expect(await (await post(url, message, { headers })).json()).toEqual({
      jsonrpc: '2.0',
      id: 1,
      ...Object.fromEntries(Object.entries(refused).map(([member, value]) => [member, expect.objectContaining(value)])),
    });
  });
});

describe('a JSON answer', () => {
  test.each([
    ['that is a request', JSON.stringify(request(1, 'sampling/createMessage'))],
    ['that hides one in an array', `[${JSON.stringify(request(1, 'sampling/createMessage'))}]`],
  ])('%s does not pass', async (_, body) => {
    serve = (_received, response) => response.setHeader('content-type', 'application/json').end(body);
    await expect(post(url, tool(1)).then((response) => response.text())).rejects.toThrow();
  });

  test('of 20 MiB streams through', async () => {
    const body = `{"jsonrpc":"2.0","id":1,"result":{"text":"${'x'.repeat(20 * 2 ** 20)}"}}`;
    serve = (_received, response) => response.setHeader('content-type', 'application/json').end(body);
    expect(await (await post(url, tool(1))).text()).toBe(body);
  });
});

describe('a list of tools', () => {
  const kept = `{"name":"read" ,"inputSchema":{"maximum":12345678901234567890},"future":[ 1.0]}`;
  const list = (tools: string, more = '') =>
    `{"jsonrpc":"2.0","id":1,"result":{"tools":[ ${tools} ],"nextCursor":"p2"${more}}}`;

  test('as JSON is cut byte for byte', async () => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end(list(`{"name":"drop"},\n${kept}`));
    expect(await (await post(url, request(1, 'tools/list'))).text()).toBe(list(kept));
  });

  test('in a stream keeps the id of its event, and its next page even if it is empty', async () => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(`id: 5\ndata: ${list('{"name":"drop"}')}\n\n`);
    };
    expect(await (await post(url, request(1, 'tools/list'))).text()).toBe(`id: 5\ndata: ${list('')}\n\n`);
  });

  test('that comes late, on a stream that was taken up again, is cut too', async () => {
    const event = (tools: string) => `id: 6\ndata: ${list(tools)}\n\n`;
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(event(`${kept},{"name":"drop"}`));
    };
    expect(await (await openStream({ 'last-event-id': '5' })).text()).toBe(event(kept));
  });

  test('is for one agent alone, and not for long', async () => {
    serve = (_, response) =>
      response.setHeader('content-type', 'application/json').end(list(kept, ',"cacheScope":"public","ttlMs":86400000'));
    const [message, headers] = modern(1, 'tools/list');
    expect(await (await post(url, message, { headers })).text()).toBe(
      list(kept, ',"cacheScope":"private","ttlMs":60000'),
    );
  });

  test('that changes with policy is announced on the open stream of a session', async () => {
    serve = (_, response) => stream(response, 'data: {"jsonrpc":"2.0",');
    const response = await openStream();
    const messages = messagesOf(response);
    await changePolicy();
    expect((await messages.next()).value).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
    await messages.return(undefined);
  });

  test('that changes with policy is announced to who subscribed', async () => {
    serve = (_, response) => stream(response, ': open\n\n');
    const listen = (id: string, notifications: object) => {
      const [message, headers] = modern(id, 'subscriptions/listen', { notifications });
      return post(url, message, { headers });
    };
    const subscribed = messagesOf(await listen('s-1', { toolsListChanged: true }));
    const other = await listen('s-2', { promptsListChanged: true });
    await changePolicy();
    expect((await subscribed.next()).value).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/tools/list_changed',
      params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 's-1' } },
    });
    expect((await eventsOf(other).next()).value).toBe(': open');
    await subscribed.return(undefined);
  });

  async function changePolicy(): Promise<void> {
    const bundle = await compileRego({ 'ledger.rego': `${REGO}\n# ${Math.random()}\n` });
    plane.decider.swap(createEvaluator(bundle, {}));
    plane.server.policyChanged();
  }
});
