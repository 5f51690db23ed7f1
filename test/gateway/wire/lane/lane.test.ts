import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { KnownResponse } from '../../../../gateway/agents/open-answers.ts';
import { answerUnreadable } from '../../../../gateway/agents/unreadable.ts';
import { readBody } from '../../../../gateway/describe/http/body.ts';
import type { AgentRequest, AgentResponse, BodyReader } from '../../../../gateway/domain/message.ts';
import { Lane } from '../../../../gateway/wire/lane/lane.ts';
import { LaneResponse } from '../../../../gateway/wire/lane/response.ts';
import { NodeResponse } from '../../../../gateway/wire/node-message.ts';
import { LOCALHOST } from '../../holds/notify/localhost-certificate.ts';
import { createTwoServers } from './two-servers.ts';

const GET = 'GET /a HTTP/1.1\r\nhost: a\r\n\r\n';
const LONG_GET = GET.replace('host', `accept: */*\r\nuser-agent: ${'x'.repeat(40)}\r\nhost`);
const post = (length: number) => `POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: ${length}\r\n\r\n`;
const CHUNKED = 'POST /b HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

type Limits = { readonly keepAlive?: number; readonly head?: number; readonly request?: number };

/** A server with the lane. `serve` gets each request. */
async function start(serve: (response: AgentResponse) => void, limits: Limits = {}, server: Server = plainServer()) {
  Object.assign(server, {
    keepAliveTimeout: limits.keepAlive ?? 60_000,
    keepAliveTimeoutBuffer: 0,
    headersTimeout: limits.head ?? 60_000,
    requestTimeout: limits.request ?? 60_000,
  });
  const lane = new Lane(server, { takes: () => true, serve, lookInterval: 5 });
  server.on('request', (_request, response) => serve(new NodeResponse(response)));
  server.on('clientError', answerUnreadable);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const sockets: Socket[] = [];
  toClose.push(() => {
    for (const socket of sockets) socket.destroy();
    lane.closeAllConnections();
    server.closeAllConnections();
    server.close();
  });
  return {
    port,
    lane,
    open() {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      sockets.push(socket);
      return follow(socket);
    },
  };
}

function plainServer(): Server {
  return createServer({ ServerResponse: KnownResponse });
}

function tlsServer(): Server {
  return createTlsServer({ ServerResponse: KnownResponse, key: LOCALHOST.key, cert: LOCALHOST.cert });
}

function follow(socket: Socket) {
  const client = { socket, got: '', isClosed: false };
  socket.on('data', (bytes: Buffer) => (client.got += bytes.toString('latin1')));
  socket.on('close', () => (client.isClosed = true));
  return client;
}

/** Answers with the number of the request, and who read it. */
function counting() {
  const by: string[] = [];
  return {
    by,
    serve(response: AgentResponse) {
      const pieces: Buffer[] = [];
      by.push(response instanceof LaneResponse ? 'lane' : 'node');
      response.request.readBody({
        piece: (bytes) => pieces.push(bytes) > 0,
        end() {
          const body = Buffer.from(`${by.length}:${Buffer.concat(pieces).toString()};`);
          response.begin(200, ['content-length', String(body.length)]);
          response.end(body);
        },
        cut() {},
      });
    },
  };
}

describe('what the lane does not take', () => {
  test('a connection goes over to node:http in the middle, and stays there', async () => {
    const { by, serve } = counting();
    const { open } = await start(serve);
    const client = open();
    for (const [bytes, answer] of [
      [GET, '1:;'],
      [`${post(3)}abc`, '2:abc;'],
      [`${CHUNKED}3\r\nabc\r\n`, ''],
      ['2\r\nde\r\n0\r\n\r\n', '3:abcde;'],
      [GET, '4:;'],
    ] as const) {
      client.socket.write(bytes);
      await expect.poll(() => client.got).toContain(answer);
    }
    expect(by).toEqual(['lane', 'lane', 'node', 'node']);
  });

  test('requests that come together go to node:http together', async () => {
    const { by, serve } = counting();
    const { open } = await start(serve);
    const client = open();
    client.socket.write(GET + GET);
    await expect.poll(() => client.got).toContain('2:;');
    expect(by).toEqual(['node', 'node']);
  });

  test('a head that comes in a few pieces is taken, one in many pieces is not', async () => {
    const servers = createTwoServers();
    // The first piece has the whole request line.
    const pieces = (length: number) => {
      const rest = Array.from({ length: Math.ceil((LONG_GET.length - 30) / length) }, (_, i) => 30 + i * length);
      return [0, ...rest].map((from, i) => Buffer.from(LONG_GET.slice(from, rest[i])));
    };
    for (const [length, byLane] of [
      [30, [0]],
      [5, []],
    ] as const) {
      const { withLane, without } = await servers.read(pieces(length));
      expect(withLane).toEqual({ ...without, byLane });
    }
  });
});

describe('one request at a time', () => {
  test('a request that comes while another is answered is read after it', async () => {
    const open: AgentResponse[] = [];
    const { open: connectTo } = await start((response) => open.push(response));
    const client = connectTo();
    client.socket.write(GET);
    await expect.poll(() => open.length).toBe(1);
    client.socket.write(GET);
    const other = connectTo();
    other.socket.write(GET);
    // The other one was sent later.
    await expect.poll(() => open.length).toBe(2);
    answer(open[0]!, 'first');
    await expect.poll(() => open.length).toBe(3);
    answer(open[2]!, 'second');
    await expect.poll(() => client.got.match(/first|second/g)).toEqual(['first', 'second']);
  });

  test.each([
    ['closes its connection', (socket: Socket) => socket.destroy()],
    ['resets its connection', (socket: Socket) => socket.resetAndDestroy()],
  ])('a caller that %s is noticed, also with another request behind the one that is answered', async (_what, leave) => {
    const left: string[] = [];
    const { open } = await start((response) => {
      left.push('served');
      response.onClose(() => left.push(`gone: ${response.gone}`));
    });
    const client = open();
    client.socket.write(GET);
    await expect.poll(() => left).toEqual(['served']);
    client.socket.write(GET, () => leave(client.socket));
    await expect.poll(() => left).toEqual(['served', 'gone: true']);
  });

  test('a caller that leaves in the middle of its body is noticed', async () => {
    const told: string[] = [];
    const { open } = await start((response) => {
      response.request.readBody({
        piece: (bytes) => told.push(bytes.toString()) > 0,
        end: () => told.push('end'),
        cut: () => told.push('cut'),
      });
    });
    const client = open();
    client.socket.write(`${post(6)}abc`);
    await expect.poll(() => told).toEqual(['abc']);
    client.socket.destroy();
    await expect.poll(() => told).toEqual(['abc', 'cut']);
  });
});

describe('memory', () => {
  const overTls = (port: number) =>
    connectTls({ port, host: '127.0.0.1', ca: LOCALHOST.cert, servername: 'localhost' });

  test.each([
    // Each read has memory of its own.
    ['HTTP', 'freed', plainServer, (port: number) => connect(port, '127.0.0.1')],
    // Several may share one.
    ['HTTPS', 'kept', tlsServer, overTls],
  ] as const)(
    'over %s, long bodies arrive whole, and the memory of their pieces is %s',
    async (_, memory, server, connectTo) => {
      const hashes: string[] = [];
      let freed = 0;
      const serve = (response: AgentResponse) => {
        const { request } = response;
        const counted = {
          headers: request.headers,
          readBody(reader: BodyReader) {
            request.readBody({
              ...reader,
              piece(bytes, isOwn) {
                if (isOwn) freed += 1;
                return reader.piece(bytes, isOwn);
              },
            });
          },
        };
        void readBody(counted as AgentRequest, 2 ** 20).then((body) => {
          hashes.push(hash('sha256', body));
          response.begin(200, ['content-length', '0']);
          response.end();
        });
      };
      const { port } = await start(serve, {}, server());
      const socket = connectTo(port);
      toClose.push(() => socket.destroy());
      const bodies = [300_000, 70_000, 1_000].map((length) => randomBytes(length));
      for (const [index, body] of bodies.entries()) {
        socket.write(post(body.length));
        socket.write(body);
        await expect.poll(() => hashes.length).toBe(index + 1);
      }
      expect(hashes).toEqual(bodies.map((body) => hash('sha256', body)));
      expect(freed > 0 ? 'freed' : 'kept').toBe(memory);
    },
  );
});

describe('pace', () => {
  const EIGHT_MIB = Buffer.alloc(8 * 2 ** 20, 'x');

  test('an answer pauses while its caller does not read', async () => {
    let paused = false;
    const { open } = await start((response) => {
      response.begin(200, ['content-length', String(2 * EIGHT_MIB.length)]);
      paused = !response.write(EIGHT_MIB);
      response.onDrain(() => response.end(EIGHT_MIB));
    });
    const client = open();
    client.socket.pause();
    client.socket.write(GET);
    await expect.poll(() => paused).toBe(true);
    expect(client.got).toBe('');
    client.socket.resume();
    await expect.poll(() => client.got.length, { timeout: 20_000 }).toBeGreaterThan(2 * EIGHT_MIB.length);
  });

  test('a caller that does not read its answers gets no more of them', async () => {
    let served = 0;
    const { open } = await start((response) => {
      served += 1;
      response.begin(200, ['content-length', String(EIGHT_MIB.length)]);
      response.end(EIGHT_MIB);
    });
    const client = open();
    const fence = open();
    client.socket.pause();
    client.socket.write(GET);
    await expect.poll(() => served).toBe(1);
    client.socket.write(GET);
    fence.socket.write(GET);
    await expect.poll(() => served).toBe(2);
    expect(client.got).toBe('');
    client.socket.resume();
    await expect.poll(() => served, { timeout: 20_000 }).toBe(3);
  });

  test('a body that comes before its reader is given to it whole', async () => {
    const served = Promise.withResolvers<AgentResponse>();
    const { open } = await start(served.resolve);
    const client = open();
    client.socket.write(post(EIGHT_MIB.length));
    client.socket.write(EIGHT_MIB);
    const { request } = await served.promise;
    let length = 0;
    const ended = new Promise<void>((resolve, reject) => {
      request.readBody({ piece: (bytes) => (length += bytes.length) > 0, end: resolve, cut: reject });
    });
    await ended;
    expect(length).toBe(EIGHT_MIB.length);
  });
});

describe('time limits', () => {
  test.each([
    ['a new connection that sends nothing', ''],
    ['a head that does not arrive whole', GET.slice(0, -2)],
  ])('%s is answered with 408', async (_what, bytes) => {
    const { open } = await start(() => {}, { head: 20 });
    const client = open();
    client.socket.write(bytes);
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.got).toMatch(/^HTTP\/1\.1 408 [^]*"code":"bad-request"/);
  });

  test('a body that does not arrive whole is answered with 408, and its call learns that it is cut', async () => {
    const cut = Promise.withResolvers<void>();
    const ignore = () => true;
    const { open } = await start(
      ({ request }) => request.readBody({ piece: ignore, end: cut.reject, cut: cut.resolve }),
      { request: 20, head: 20 },
    );
    const client = open();
    client.socket.write(`${post(6)}abc`);
    await cut.promise;
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.got).toMatch(/^HTTP\/1\.1 408 /);
  });

  test('a connection without a further request is closed when it has been kept for long enough', async () => {
    const { open } = await start(counting().serve, { keepAlive: 20 });
    const client = open();
    client.socket.write(GET);
    await expect.poll(() => client.got).toContain('1:;');
    await expect.poll(() => client.isClosed, { timeout: 5000 }).toBe(true);
    expect(client.got.match(/HTTP/g)).toHaveLength(1);
  });

  test('a call that is answered late is not cut off', async () => {
    const served = Promise.withResolvers<AgentResponse>();
    const { open } = await start(served.resolve, { head: 5, request: 5, keepAlive: 5 });
    const early = open();
    early.socket.write(GET);
    const response = await served.promise;
    const silent = open();
    await expect.poll(() => silent.isClosed).toBe(true);
    answer(response, 'late');
    await expect.poll(() => early.got).toContain('late');
  });
});

describe('the end of the server', () => {
  test('idle connections close at once, one that is answered when all do', async () => {
    const open: AgentResponse[] = [];
    const { open: connectTo, lane } = await start((response) => open.push(response));
    const [idle, busy] = [connectTo(), connectTo()];
    idle.socket.write(GET);
    await expect.poll(() => open.length).toBe(1);
    answer(open[0]!, 'first');
    await expect.poll(() => idle.got).toContain('first');
    busy.socket.write(GET);
    await expect.poll(() => open.length).toBe(2);
    lane.closeIdleConnections();
    await expect.poll(() => idle.isClosed).toBe(true);
    answer(open[1]!, 'second');
    // In the same turn: what has been answered is still sent.
    lane.closeAllConnections();
    await expect.poll(() => busy.isClosed).toBe(true);
    expect(busy.got).toContain('second');
  });
});

describe('answers', () => {
  test.each([
    ['a line end in a value', ['x', 'a\r\nb: c']],
    ['a line end in a name', ['x: a\r\nb', 'c']],
    ['a character outside latin1', ['x', '\u010a']],
    ['a framing of its own', ['Transfer-Encoding', 'gzip']],
  ])('a head with %s is not sent (response splitting)', async (_what, fields) => {
    const thrown = Promise.withResolvers<unknown>();
    const { open } = await start((response) => {
      try {
        response.begin(200, fields);
      } catch (error) {
        thrown.resolve(error);
        response.abort();
      }
    });
    const client = open();
    client.socket.write(GET);
    expect(await thrown.promise).toBeInstanceOf(Error);
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.got).toBe('');
  });

  test('an answer that is shorter than it says ends with its connection', async () => {
    const { open } = await start((response) => {
      response.begin(200, ['content-length', '10']);
      response.write(Buffer.from('half'));
      response.end();
    });
    const client = open();
    client.socket.write(GET);
    await expect.poll(() => client.isClosed).toBe(true);
    expect(client.got).toMatch(/half$/);
  });
});

test('over TLS, requests take the lane too', async () => {
  const { by, serve } = counting();
  const { port } = await start(serve, {}, tlsServer());
  const socket = connectTls({ port, host: '127.0.0.1', ca: LOCALHOST.cert, servername: 'localhost' });
  toClose.push(() => socket.destroy());
  const client = follow(socket);
  for (const [bytes, told] of [
    [GET, '1:;'],
    [`${post(3)}abc`, '2:abc;'],
    [`${CHUNKED}3\r\nabc\r\n0\r\n\r\n`, '3:abc;'],
  ] as const) {
    socket.write(bytes);
    await expect.poll(() => client.got).toContain(told);
  }
  expect(by).toEqual(['lane', 'lane', 'node']);
});

function answer(response: AgentResponse, text: string): void {
  response.begin(200, ['content-length', String(text.length)]);
  response.end(Buffer.from(text));
}
