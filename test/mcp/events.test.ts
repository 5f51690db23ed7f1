import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';
import { eventsOf, messagesOf, modern, post, request } from './speak.ts';

const REGO = `package rules.ledger

allow contains {"rule": "tools"} if input.action.tool

hold contains {"rule": "hold", "reason": "A person looks at it."} if input.action.tool == "held"

block contains {"rule": "no-drops"} if input.action.tool == "drop"

block contains {"rule": "no-sampling"} if input.action.mcp.method == "sampling/createMessage"
`;

let serve: (received: Received, response: ServerResponse) => void = () => {};
let server: Upstream;
let plane: DataPlane;
let url: string;

beforeAll(async () => {
  server = await startUpstream((received, response) => serve(received, response));
  plane = await startDataPlane({
    systems: { ledger: { upstream: server.url, mcp: '/mcp', wait: '20s' } },
    rego: { 'ledger.rego': REGO },
  });
  url = `${plane.url}/ledger/mcp`;
});
afterAll(async () => {
  await plane.close();
  await server.close();
});

const tool = (id: unknown, name = 'read', args: object = {}) => request(id, 'tools/call', { name, arguments: args });

/** Answers with a stream of these bytes; what the gateway says in place of the client gets 202. */
function streams(text: string): void {
  serve = ({ body }, response) => {
    const { method } = JSON.parse(body.toString()) as { method?: string };
    if (method === undefined) response.writeHead(202).end();
    else response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
  };
}

const RESULT = '{"jsonrpc":"2.0","id":1,"result":{"content":[],"text":"a\u2028b\u0085c"}}';
const LIST = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"drop"},{"name":"read"}]}}';
const CUT = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"read"}]}}';
const ASKS = '{"jsonrpc":"2.0","id":"s","method":"sampling/createMessage","params":{}}';

/** Ways to write one message as an event. */
const FORMS: readonly (readonly [string, (json: string) => string])[] = [
  ['LF', (json) => `data: ${json}\n\n`],
  ['CRLF', (json) => `data: ${json}\r\n\r\n`],
  ['CR', (json) => `data: ${json}\r\r`],
  ['line ends of three kinds', (json) => `event: message\r\nid: 7\rdata: ${json}\n\r\n`],
  ['a byte order mark', (json) => `\ufeffdata: ${json}\n\n`],
  ['a byte order mark before another field', (json) => `\ufeffid: 7\ndata: ${json}\n\n`],
  ['comments in front and within', (json) => `: hello\n\n: there\ndata: ${json}\n:\n\n`],
  ['no space after the colon', (json) => `data:${json}\n\n`],
  ['data over several lines', (json) => `data: ${json.replaceAll(',"', ',\ndata: "')}\n\n`],
  ['fields that mean nothing', (json) => `retry: 10\nfoo: bar\nbaz\ndata: ${json}\nid\n\n`],
];

describe.each(FORMS)('a stream with %s', (_, event) => {
  test('passes byte for byte', async () => {
    streams(event(RESULT));
    // `text()` would leave out a byte order mark.
    const bytes = Buffer.from(await (await post(url, tool(1))).arrayBuffer());
    expect(bytes.toString()).toBe(event(RESULT));
  });

  test('is the answer to a held call, under the id of its caller', async () => {
    streams(event(RESULT));
    const waiting = post(url, tool('h', 'held', { form: event('') }));
    const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
    await expect.poll(pending).toBeDefined();
    await approve(plane.store, (await pending())!.id);
    const messages = await Array.fromAsync(messagesOf(await waiting));
    expect(messages.at(-1)).toEqual({ ...JSON.parse(RESULT), id: 'h' });
  });

  test('has a list of tools without those that are blocked', async () => {
    streams(event(LIST));
    const text = await (await post(url, request(1, 'tools/list'))).text();
    expect(JSON.parse(dataIn(text))).toEqual(JSON.parse(CUT));
    expect(text).not.toContain('drop');
  });

  test('does not carry what policy forbids the server to ask', async () => {
    streams(event(ASKS) + event(RESULT).replace('\ufeff', ''));
    const text = await (await post(url, tool(1))).text();
    expect(text).not.toContain('sampling');
    expect(text).toContain('"result"');
  });
});

/** As the standard reads it. */
function dataIn(text: string): string {
  return text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
}

describe('a stream whose length the server announced', () => {
  const announced = (text: string) => {
    serve = ({ body }, response) => {
      if (!body.includes('"id"') || body.includes('"error"')) return void response.writeHead(202).end();
      const headers = { 'content-type': 'text/event-stream', 'content-length': Buffer.byteLength(text) };
      response.writeHead(200, headers).end(text);
    };
  };

  test('passes byte for byte', async () => {
    announced(`data: ${RESULT}\n\n`);
    expect(await (await post(url, tool(1))).text()).toBe(`data: ${RESULT}\n\n`);
  });

  test('is whole for its client although a tool was cut from it', async () => {
    announced(`data: ${LIST}\n\n`);
    expect(await (await post(url, request(1, 'tools/list'))).text()).toBe(`data: ${CUT}\n\n`);
  });

  test('is whole for its client although a request was left out', async () => {
    announced(`data: ${ASKS}\n\ndata: ${RESULT}\n\n`);
    expect(await (await post(url, tool(1))).text()).toBe(`data: ${RESULT}\n\n`);
  });
});

describe('a JSON answer with a byte order mark, which clients leave out', () => {
  const answers = (body: string) => {
    serve = (received, response) => {
      if (!/"id":(?:1|"h")/.test(received.body.toString())) return void response.writeHead(202).end();
      response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    };
  };

  test('has a list of tools without those that are blocked', async () => {
    answers(`\ufeff${LIST}`);
    expect(await (await post(url, request(1, 'tools/list'))).json()).toEqual(JSON.parse(CUT));
  });

  test('does not carry what policy forbids the server to ask', async () => {
    answers(`\ufeff${ASKS}`);
    await expect(post(url, tool(1)).then((answer) => answer.text())).rejects.toThrow();
  });

  test('is the answer to a held call, under the id of its caller', async () => {
    answers(`\ufeff${RESULT}`);
    const waiting = post(url, tool('h', 'held', { mark: '"id":1' }));
    const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
    await expect.poll(pending).toBeDefined();
    await approve(plane.store, (await pending())!.id);
    expect((await Array.fromAsync(messagesOf(await waiting))).at(-1)).toMatchObject({
      id: 'h',
      result: { content: [] },
    });
  });

  test('passes byte for byte', async () => {
    answers(`\ufeff${RESULT}`);
    const bytes = Buffer.from(await (await post(url, tool(1))).arrayBuffer());
    expect(bytes.toString()).toBe(`\ufeff${RESULT}`);
  });
});

describe('an answer that looks like another type than it is', () => {
  test.each([
    ['200', 'application/json-rpc', ASKS],
    ['200', 'application/json;charset=utf-8', ASKS],
    ['200', 'Text/Plain; x=application/json', ASKS],
    ['201', 'application/json', ASKS],
    ['206', 'application/json', ASKS],
    ['200', 'text/event-streams', `data: ${ASKS}\n\n`],
    ['201', 'text/event-stream', `data: ${ASKS}\n\n`],
    ['200', 'x-text/event-stream', `data: ${ASKS}\n\n`],
    ['200', 'application/json; x=text/event-stream', `data: ${ASKS}\n\n`],
    ['200', 'application/json; x=text/event-stream', `${ASKS}\n\n`],
  ])('does not carry what policy forbids the server to ask: %s %s', async (status, type, body) => {
    serve = (received, response) => {
      if (!received.body.includes('tools/call')) return void response.writeHead(202).end();
      response.writeHead(Number(status), { 'content-type': type }).end(body);
    };
    const text = await post(url, tool(1))
      .then(
        (answer) => answer.text(),
        () => 'cut',
      )
      .catch(() => 'cut');
    expect(text).not.toContain('sampling');
  });
});

describe('a stream that ends early', () => {
  const whole = 'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n';

  test('between two events ends for the client, with all that came', async () => {
    streams(`id: 1\ndata: \n\n${whole}`);
    expect(await (await post(url, tool(1))).text()).toBe(`id: 1\ndata: \n\n${whole}`);
  });

  test.each(['LF', 'CRLF'])('in the middle of an event carries the events that were whole, %s', async (ends) => {
    const text = ends === 'LF' ? whole : whole.replaceAll('\n', '\r\n');
    streams(`${text}data: {"jsonrpc":"2.0","id":1,"res`);
    expect(await (await post(url, tool(1))).text()).toBe(text);
  });

  test('with its connection is cut for the client too, after the events that were whole', async () => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${whole}data: {"jsonrpc"`, () => setImmediate(() => response.destroy()));
    };
    const events = eventsOf(await post(url, tool(1)));
    expect(`${(await events.next()).value}\n\n`).toBe(whole);
    await expect(events.next()).rejects.toThrow();
  });

  test('for a held call is told to its caller under its id', async () => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${whole}data: {"jsonrpc"`, () => setImmediate(() => response.destroy()));
    };
    const waiting = post(url, tool('h', 'held', { early: true }));
    const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
    await expect.poll(pending).toBeDefined();
    await approve(plane.store, (await pending())!.id);
    expect((await Array.fromAsync(messagesOf(await waiting))).at(-1)).toMatchObject({
      id: 'h',
      result: { isError: true },
    });
  });
});

describe('progress', () => {
  const progress = (n: number) =>
    `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":${n}}}\n\n`;

  test.each(['legacy', 'modern'])('reaches a %s client event by event, while the call runs', async (era) => {
    let open: ServerResponse | null = null;
    serve = (_, response) => {
      open = response.writeHead(200, { 'content-type': 'text/event-stream' });
      open.write(progress(0));
    };
    const params = { name: 'read', _meta: { progressToken: 'p' } };
    const [message, headers] =
      era === 'modern' ? modern(1, 'tools/call', params) : ([request(1, 'tools/call', params), {}] as const);
    const events = eventsOf(await post(url, message, { headers }));
    for (let n = 0; n < 5; n++) {
      // The server says nothing more before the client has this.
      expect(`${(await events.next()).value}\n\n`).toBe(progress(n));
      open!.write(progress(n + 1));
    }
    open!.end(`data: ${RESULT}\n\n`);
    expect((await Array.fromAsync(events)).join('\n\n')).toContain('"result"');
  });
});

test('a client that takes a stream up again names its place to the server, and gets what follows byte for byte', async () => {
  const rest = `id: s_8\ndata: ${RESULT}\n\nid: s_9\nretry: 100\ndata: \n\n`;
  let place: unknown = null;
  serve = ({ headers }, response) => {
    place = headers['last-event-id'];
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(rest);
  };
  const headers = { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream', 'last-event-id': 's_7' };
  expect(await (await fetch(url, { headers })).text()).toBe(rest);
  expect(place).toBe('s_7');
});

describe('closing the stream of a call', () => {
  test.each(['legacy', 'modern'])('of a %s client closes that of the server', async (era) => {
    let isClosed = false;
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': open\n\n');
      response.on('close', () => (isClosed = true));
    };
    const [message, headers] = era === 'modern' ? modern(1, 'tools/call', { name: 'read' }) : ([tool(1), {}] as const);
    await (await post(url, message, { headers })).body!.cancel();
    await expect.poll(() => isClosed).toBe(true);
  });
});

test('a large event is passed on to clients of either era, and on a stream that is taken up again', async () => {
  const event = `data: {"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"${'x'.repeat(20 * 2 ** 20)}"}]}}\n\n`;
  serve = (_, response) => void response.writeHead(200, { 'content-type': 'text/event-stream' }).end(event);
  const [message, headers] = modern(1, 'tools/call', { name: 'read' });
  expect((await (await post(url, message, { headers })).text()) === event).toBe(true);
  const again = { authorization: `Bearer ${TOKEN}`, accept: 'text/event-stream', 'last-event-id': '1' };
  expect((await (await fetch(url, { headers: again })).text()) === event).toBe(true);
});
