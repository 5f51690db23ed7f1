import { once } from 'node:events';
import { request as httpRequest, Agent, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';
import { connectRaw } from '../../security/raw-agent.ts';

const MiB = 2 ** 20;
const ALLOW = (system: string) => `package rules.${system}\n\nallow contains {"rule": "all"}\n`;

type Respond = (received: Received, response: ServerResponse, request: IncomingMessage) => void;

let upstream: Upstream;
let bare: { readonly port: number; close(): void };
let plane: DataPlane;
/** How the system answers the next calls, and how the bare system treats each chunk that arrives. */
let respond: Respond;
let onBytes: (socket: Socket, bytes: string) => void;

beforeAll(async () => {
  upstream = await startUpstream((received, response, request) => respond(received, response, request));
  bare = await startBareUpstream((socket, bytes) => onBytes(socket, bytes));
  const bareUrl = `http://127.0.0.1:${bare.port}`;
  plane = await startDataPlane({
    systems: {
      api: { upstream: upstream.url },
      narrow: { upstream: upstream.url, connections: 1 },
      bare: { upstream: bareUrl, connections: 1 },
    },
    rego: { 'a.rego': ALLOW('api'), 'b.rego': ALLOW('narrow'), 'c.rego': ALLOW('bare') },
  });
});

afterEach(() => {
  respond = () => {};
  onBytes = () => {};
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
  bare?.close();
});

/** A system on a bare socket, for answers that no HTTP server would give. */
async function startBareUpstream(take: (socket: Socket, bytes: string) => void) {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => take(socket, chunk.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const agent = new Agent({ keepAlive: true });
afterAll(() => agent.destroy());

type Options = { method?: string; body?: Buffer; headers?: Record<string, string> };

/** A call. The test reads its answer by hand. */
function call(path: string, { method = 'GET', body, headers = {} }: Options = {}) {
  const options = { agent, method, headers: { authorization: `Bearer ${TOKEN}`, ...headers } };
  const request = httpRequest(`${plane.url}${path}`, options);
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
  // A test that hangs up expects no answer.
  answer.catch(() => {});
  request.end(body);
  return { request, answer };
}

async function read(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function completedOf(decisionId: string | string[] | undefined) {
  const find = async () =>
    (await plane.events()).find((event) => event.type === 'call.completed' && event.decision_id === decisionId);
  await expect.poll(find).toBeDefined();
  return (await find())!;
}

describe('streamed answers', () => {
  test('an answer is streamed event by event: each reaches the agent before the system sends the next', async () => {
    let events!: ServerResponse;
    respond = (_received, response) => {
      events = response;
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    };
    const answer = await call('/api/events', { headers: { accept: 'text/event-stream' } }).answer;
    expect(answer.headers['content-type']).toBe('text/event-stream');
    for (let i = 0; i < 20; i += 1) {
      events.write(`data: ${i}\n\n`);
      const [chunk] = (await once(answer, 'data')) as [Buffer];
      expect(chunk.toString()).toBe(`data: ${i}\n\n`);
    }
    events.end();
    await once(answer, 'end');
  });

  test('an answer is streamed as fast as the agent reads: a faster system has to wait', async () => {
    const total = 200 * MiB;
    const chunk = Buffer.alloc(MiB, 'x');
    let accepted = 0;
    respond = async (_received, response) => {
      response.writeHead(200, { 'content-length': total });
      while (accepted < total) {
        accepted += chunk.length;
        if (!response.write(chunk)) await once(response, 'drain');
      }
      response.end();
    };
    const answer = await call('/api/download').answer;
    answer.pause();
    // The agent does not read: buffers fill up, and then no more bytes move.
    let before = -1;
    const stands = () => accepted === before || ((before = accepted), false);
    await expect.poll(stands, { interval: 300, timeout: 60_000 }).toBe(true);
    expect(accepted).toBeLessThan(64 * MiB);

    let received = 0;
    answer.on('data', (part: Buffer) => (received += part.length));
    answer.resume();
    await once(answer, 'end');
    expect(received).toBe(total);
  });

  test('an answer stays compressed as the system compressed it', async () => {
    const zipped = gzipSync('{"paid":true}');
    respond = (_received, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': zipped.length }).end(zipped);
    const answer = await call('/api/zipped', { headers: { 'accept-encoding': 'gzip' } }).answer;
    const body = await read(answer);
    expect(upstream.received.at(-1)?.headers['accept-encoding']).toBe('gzip');
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(body.equals(zipped)).toBe(true);
    expect(gunzipSync(body).toString()).toBe('{"paid":true}');
  });

  test('an answer keeps its headers, including repeated ones and odd spellings', async () => {
    const headers = ['X-ODD', 'a=1', 'X-ODD', 'caf\xe9', 'x-even', 'b=2', 'Link', '<1>', 'Link', '<2>'];
    respond = (_received, response) =>
      response.writeHead(200, ['Date', 'Thu, 01 Jan 2026 00:00:00 GMT', ...headers, 'Content-Length', '0']).end();
    const answer = await call('/api/headers').answer;
    await read(answer);
    expect(answer.rawHeaders.slice(0, 14)).toEqual([
      'Date',
      'Thu, 01 Jan 2026 00:00:00 GMT',
      ...headers,
      'Content-Length',
      '0',
    ]);
  });

  test('an answer keeps its trailers', async () => {
    respond = (_received, response) => {
      response.writeHead(200, { trailer: 'X-Checksum' });
      response.write('data');
      response.addTrailers({ 'X-Checksum': 'abc', 'Holdpoint-Decision': 'dec_forged' });
      response.end();
    };
    const answer = await call('/api/trailers').answer;
    expect((await read(answer)).toString()).toBe('data');
    expect(answer.trailers).toEqual({ 'x-checksum': 'abc' });
  });

  test('an answer arrives without the interim answers before it', async () => {
    respond = (_received, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.writeHead(201, { 'content-length': '2' }).end('ok');
    };
    const answer = await call('/api/early').answer;
    expect([answer.statusCode, (await read(answer)).toString()]).toEqual([201, 'ok']);
  });

  test.each([
    ['HEAD', 200, { 'content-length': '1234' }],
    ['HEAD', 200, {}],
    ['GET', 204, {}],
    ['GET', 304, { etag: '"1"' }],
    ['GET', 304, { 'content-length': '1234' }],
    ['DELETE', 200, { 'content-length': '0' }],
  ] as const)('an answer without a body gets none: %s %i %o', async (method, status, headers) => {
    respond = (_received, response) => response.writeHead(status, headers).end();
    const answer = await call('/api/nothing', { method }).answer;
    expect((await read(answer)).length).toBe(0);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    expect(answer.headers['holdpoint-verdict']).toBe('allow');
    // The connection is in step: the next call on it gets its own answer.
    respond = (_received, response) => response.writeHead(200, { 'content-length': '4' }).end('next');
    expect((await read(await call('/api/next').answer)).toString()).toBe('next');
  });

  test('an answer may come before the system has read the whole call', async () => {
    onBytes = (socket) => socket.write('HTTP/1.1 413 Too Much\r\ncontent-length: 4\r\n\r\nstop');
    const answer = await call('/bare/upload', { method: 'POST', body: Buffer.alloc(900_000, 'x') }).answer;
    expect([answer.statusCode, (await read(answer)).toString()]).toEqual([413, 'stop']);
  });

  test('an answer that the system breaks off is aborted, and recorded as the system’s failure', async () => {
    onBytes = (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    const answer = await call('/bare/half').answer;
    await expect(read(answer)).rejects.toThrow('aborted');
    expect(await completedOf(answer.headers['holdpoint-decision'])).toMatchObject({
      status: 200,
      code: 'upstream-failed',
      response_bytes: 4,
    });
  });

  test('a pipelined answer that the system breaks off is aborted when its turn comes', async () => {
    const first = Promise.withResolvers<ServerResponse>();
    respond = (_received, response) => first.resolve(response);
    onBytes = (socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf');
    const pipelining = await connectRaw(plane.url.replace('http://', ''));
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;
    const before = (await plane.events()).length;
    pipelining.send(get('/api/first') + get('/bare/half'));
    const isBroken = async () => (await plane.events()).slice(before).some(({ code }) => code === 'upstream-failed');
    await expect.poll(isBroken).toBe(true);
    (await first.promise).end('ok');
    const answers = await pipelining.rest();
    expect(answers.map(({ body }) => body)).toEqual(['ok']);
  });

  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a status below 100', 'HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n'],
    ['an upgrade that was not requested', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['a bare CR in a header', 'HTTP/1.1 200 OK\r\nx: a\rb\r\ncontent-length: 0\r\n\r\n'],
  ])('an answer is a 502 when it is %s', async (_what, bytes) => {
    onBytes = (socket) => socket.end(bytes);
    const answer = await call('/bare/odd').answer;
    expect(answer.statusCode).toBe(502);
    expect(JSON.parse((await read(answer)).toString())).toMatchObject({ code: 'upstream-failed' });
  });

  test('bytes beyond the length of an answer do not become the answer to the next call', async () => {
    onBytes = (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison');
    expect((await read(await call('/bare/first').answer)).toString()).toBe('ok');
    onBytes = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext');
    expect((await read(await call('/bare/second').answer)).toString()).toBe('next');
  });
});

describe('calls', () => {
  test('a call that came in chunks is sent with its length', async () => {
    respond = (_received, response) => response.end();
    const options = { agent, method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } };
    const chunked = httpRequest(`${plane.url}/api/chunks`, options);
    for (const part of ['one', 'two', 'three']) chunked.write(part);
    chunked.end();
    const [response] = (await once(chunked, 'response')) as [IncomingMessage];
    await read(response);
    const { headers, body } = upstream.received.at(-1)!;
    expect([headers['content-length'], headers['transfer-encoding'], body.toString()]).toEqual([
      '11',
      undefined,
      'onetwothree',
    ]);
  });

  test('a call reuses the connection of the call before', async () => {
    const ports: (number | undefined)[] = [];
    respond = (_received, response, request) => {
      ports.push(request.socket.remotePort);
      response.end('ok');
    };
    for (let i = 0; i < 5; i += 1) await read(await call('/narrow/again').answer);
    expect(new Set(ports).size).toBe(1);
  });

  test('a call is aborted at the system when its agent hangs up during the answer', async () => {
    const aborted = new Promise<void>((resolve) => {
      respond = (_received, response) => {
        response.write('first');
        response.once('close', resolve);
      };
    });
    const { request, answer } = call('/api/long');
    const { headers } = await answer;
    request.destroy();
    await aborted;
    const completed = await completedOf(headers['holdpoint-decision']);
    expect(completed).toMatchObject({ response_bytes: 5 });
    expect(completed).not.toHaveProperty('status');
  });

  test('a call is aborted at the system when its agent hangs up before the answer', async () => {
    const arrived = Promise.withResolvers<ServerResponse>();
    respond = (_received, response) => arrived.resolve(response);
    const { request } = call('/api/silent');
    const response = await arrived.promise;
    request.destroy();
    await once(response, 'close');
    expect(response.writableFinished).toBe(false);
  });

  test('pipelined calls are aborted together when their agent hangs up', async () => {
    const open = new Map<string, ServerResponse>();
    const closed = new Set<string>();
    respond = ({ url }, response) => {
      open.set(url, response);
      response.once('close', () => closed.add(url));
      if (url === '/second') response.write(Buffer.alloc(4 * MiB));
    };
    const { hostname, port } = new URL(plane.url);
    const socket = connect(Number(port), hostname);
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;
    socket.write(get('/api/first') + get('/api/second'));
    await expect.poll(() => open.size).toBe(2);
    socket.destroy();
    await expect.poll(() => [...closed].toSorted(), { timeout: 5000 }).toEqual(['/first', '/second']);
  });
});

describe('the queue of a system with one connection', () => {
  /** Occupies the connection until the returned function is called. */
  async function occupy(): Promise<() => Promise<void>> {
    const arrived = Promise.withResolvers<ServerResponse>();
    respond = (_received, response) => arrived.resolve(response);
    const { answer } = call('/narrow/first');
    const response = await arrived.promise;
    return async () => {
      response.end('first');
      await read(await answer);
    };
  }

  test('a second call waits until the first has ended', async () => {
    const free = await occupy();
    const before = upstream.received.length;
    const second = call('/narrow/second');
    await expect.poll(decided('/second')).toBe(true);
    expect(upstream.received.length).toBe(before);
    respond = (_received, response) => response.end('second');
    await free();
    expect((await read(await second.answer)).toString()).toBe('second');
  });

  test('a call is refused when the queue is full, and queued calls are served', async () => {
    const free = await occupy();
    const queued = Array.from({ length: 8 }, (_, i) => call(`/narrow/queued-${i}`));
    await expect
      .poll(async () => (await Promise.all(queued.map((_, i) => decided(`/queued-${i}`)()))).every(Boolean))
      .toBe(true);
    const refused = await call('/narrow/too-much').answer;
    expect(refused.statusCode).toBe(503);
    expect(refused.headers['retry-after']).toBe('1');
    expect(JSON.parse((await read(refused)).toString())).toMatchObject({ code: 'overloaded' });
    respond = ({ url }, response) => response.end(url);
    await free();
    const bodies = await Promise.all(queued.map(async ({ answer }) => (await read(await answer)).toString()));
    expect(bodies).toEqual(queued.map((_, i) => `/queued-${i}`));
  });

  test('a queued call is never sent after its agent hung up', async () => {
    const free = await occupy();
    const gone = call('/narrow/gone', { method: 'POST', body: Buffer.from('x') });
    await expect.poll(decided('/gone')).toBe(true);
    const last = call('/narrow/last');
    await expect.poll(decided('/last')).toBe(true);
    gone.request.destroy();
    respond = ({ url }, response) => response.end(url);
    // The gateway has seen the hang-up once it has answered a call that came after it.
    await read(await call('/api/fence').answer);
    await free();
    expect((await read(await last.answer)).toString()).toBe('/last');
    expect(upstream.received.map(({ url }) => url)).not.toContain('/gone');
    const completed = (await plane.events()).find(({ type, path }) => type === 'call.completed' && path === '/gone');
    expect(completed).toBeDefined();
    expect(completed).not.toHaveProperty('status');
  });

  function decided(path: string): () => Promise<boolean> {
    return async () => (await plane.events()).some((event) => event.type === 'call.decided' && event.path === path);
  }
});

describe('kept connections that the system closes', () => {
  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'a %s is never sent twice when the system closes the connection at the moment of reuse',
    async (method) => {
      const arrived: string[] = [];
      onBytes = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      await read(await call('/bare/first').answer);
      onBytes = (socket, bytes) => {
        arrived.push(bytes.split('\r\n', 1)[0]!);
        socket.destroy();
      };
      const answer = await call('/bare/second', { method, ...(method === 'POST' && { body: Buffer.from('{}') }) })
        .answer;
      await read(answer);
      expect(answer.statusCode).toBe(502);
      expect(arrived).toEqual([`${method} /second HTTP/1.1`]);
      onBytes = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      expect((await call('/bare/third').answer).statusCode).toBe(200);
    },
  );

  test('a connection that the system closed while idle is not used again', async () => {
    let first!: Socket;
    onBytes = (socket) => {
      first = socket;
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    };
    await read(await call('/bare/first').answer);
    first.destroy();
    const answer = await call('/bare/second', { method: 'POST', body: Buffer.from('{}') }).answer;
    expect(answer.statusCode).toBe(200);
  });
});
