import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { System } from '../../../gateway/domain/system.ts';
import { createUpstream, type Upstream } from '../../../gateway/wire/upstream.ts';
import { send, startBareSystem, systemAt, type BareSystem, type Take } from '../../helpers/bare-system.ts';
import { LOCALHOST } from '../holds/notify/localhost-certificate.ts';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const MiB = 2 ** 20;
const BODY = Buffer.from('{}');

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(toClose.splice(0).map((each) => each.close()));
});

/**
 * Answers each request, which must end in an empty line, with the next of these, and further requests with the last.
 */
function inTurn(...answers: string[]): Take {
  let next = 0;
  return (socket, arrived) => {
    if (!/\r\n\r\n(?:\{\})?$/.test(arrived)) return;
    socket.write(answers[Math.min(next, answers.length - 1)]!, 'latin1');
    next += 1;
  };
}

async function start(take: Take, options: Partial<System> & { path?: string } = {}) {
  const system = await startBareSystem(take);
  const upstream = createUpstream(systemAt(`http://127.0.0.1:${system.port}${options.path ?? ''}`, options));
  toClose.push(upstream, system);
  return { system, upstream };
}

/** Sends to the end and returns the result. */
async function ask(upstream: Upstream, request: Parameters<typeof send>[1] = {}, notes?: string[]) {
  const sent = send(upstream, request, notes);
  const { problem, ...delivery } = await sent.delivery;
  return { ...delivery, code: problem?.code ?? null, body: sent.body(), told: sent.told };
}

/** An upstream learns that a kept connection is closed once it reads the last bytes. */
async function gone(system: BareSystem, number: number): Promise<void> {
  await expect.poll(() => system.sockets[number]?.readableEnded || system.sockets[number]?.closed).toBe(true);
}

/** Numbers below a bound, by chance but the same in each run (mulberry32). */
function randoms(seed: number): { next(bound: number): number } {
  let state = seed;
  return {
    next(bound) {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
    },
  };
}

describe('requests on the wire', () => {
  test.each([
    ['GET', '/a?b=c', ['accept', '*/*'], '', 'GET /base/a?b=c', 'accept: */*\r\n'],
    ['POST', '/', ['x', 'caf\xe9'], '{}', 'POST /base/', 'x: caf\xe9\r\ncontent-length: 2\r\n'],
    ['POST', '/', [], '', 'POST /base/', 'content-length: 0\r\n'],
    ['PUT', '/', [], '', 'PUT /base/', 'content-length: 0\r\n'],
    ['PATCH', '/', [], '', 'PATCH /base/', 'content-length: 0\r\n'],
    ['DELETE', '/', [], '', 'DELETE /base/', ''],
    ['DELETE', '/', [], '{}', 'DELETE /base/', 'content-length: 2\r\n'],
    ['OPTIONS', '/', ['a', '1', 'a', '2', 'b', ''], '', 'OPTIONS /base/', 'a: 1\r\na: 2\r\nb: \r\n'],
  ])('a request is written in full: %s %s %j %j', async (method, target, headers, body, line, fields) => {
    const { system, upstream } = await start(inTurn(OK), { path: '/base/' });
    await ask(upstream, { method, target, headers, body: Buffer.from(body) });
    const host = `host: 127.0.0.1:${system.port}\r\nconnection: keep-alive\r\n`;
    expect(system.arrived).toEqual([`${line} HTTP/1.1\r\n${host}${fields}\r\n${body}`]);
  });

  test('a HEAD request closes its connection, because some upstreams answer it with a body', async () => {
    const { system, upstream } = await start(inTurn('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    expect(await ask(upstream, { method: 'HEAD' })).toMatchObject({ status: 200, body: '', code: null });
    expect(system.arrived[0]).toContain('\r\nconnection: close\r\n');
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    expect(system.sockets.length).toBe(2);
  });

  test.each([1, 100, 16_000, 17_000, 5 * MiB])('a body of %i bytes is sent whole and unchanged', async (size) => {
    const body = Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, i) => i + 5)));
    const { system, upstream } = await start((socket, arrived) => {
      if (arrived.length >= arrived.indexOf('\r\n\r\n') + 4 + size) socket.write(OK);
    });
    expect(await ask(upstream, { method: 'POST', body })).toMatchObject({ code: null, sent: true });
    const [, arrived] = system.arrived[0]!.split('\r\n\r\n', 2);
    expect(system.arrived[0]!.length - arrived!.length).toBeGreaterThan(0);
    expect(Buffer.from(system.arrived[0]!.slice(-size), 'latin1').equals(body)).toBe(true);
  });
});

describe('answers', () => {
  test('an answer arrives in order, without hop-by-hop headers, its bytes unchanged', async () => {
    const bytes = 'HTTP/1.1 201 Made\r\nX-A: 1\r\nConnection: x-b\r\nX-B: 2\r\ntransfer-encoding: chunked\r\n\r\n';
    const { upstream } = await start(inTurn(`${bytes}3\r\na\0\xff\r\n0\r\nX-Sum: 9\r\nKeep-Alive: x\r\n\r\n`));
    expect(await ask(upstream)).toMatchObject({
      status: 201,
      bytes: 3,
      sent: true,
      code: null,
      told: [[201, 'X-A', '1'], 'a\0\xff', ['end', 'X-Sum', '9']],
    });
  });

  test('an answer without a length ends with the connection', async () => {
    const { upstream } = await start((socket) => socket.end('HTTP/1.0 200 OK\r\n\r\nall'));
    expect(await ask(upstream)).toMatchObject({ status: 200, body: 'all', code: null });
  });

  test('an answer without a length is incomplete when the connection is reset', async () => {
    const { system, upstream } = await start((socket) => socket.write('HTTP/1.0 200 OK\r\n\r\nhalf'));
    const sent = send(upstream);
    await expect.poll(() => sent.body()).toBe('half');
    system.sockets[0]!.resetAndDestroy();
    expect((await sent.delivery).problem?.code).toBe('upstream-failed');
    expect(sent.told.at(-1)).toBe('broken');
  });

  test.each([
    ['before its head', ''],
    ['in its head', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['after an interim one', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('an answer that breaks off %s is no answer, and the call may have arrived', async (_when, bytes) => {
    const { upstream } = await start((socket) => socket.end(bytes));
    expect(await ask(upstream)).toMatchObject({ status: 0, sent: true, code: 'upstream-failed', told: [] });
  });

  test('an answer that becomes invalid after its head is broken off, and its connection is closed', async () => {
    const { system, upstream } = await start((socket) =>
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\nzz'),
    );
    const { told, ...rest } = await ask(upstream);
    expect(rest).toMatchObject({ status: 200, bytes: 2, sent: true, code: 'upstream-failed' });
    expect(told.at(-1)).toBe('broken');
    await gone(system, 0);
  });

  test('an answer fails if its sink throws, and its connection is closed', async () => {
    const { system, upstream } = await start(inTurn(OK));
    const request = { method: 'GET', target: '/', headers: [], body: Buffer.alloc(0) };
    const told: string[] = [];
    const delivery = await upstream.send(request, {
      head() {},
      data() {
        throw new Error('no room');
      },
      end: () => void told.push('end'),
      broken: () => void told.push('broken'),
      onDrain() {},
      onGone() {},
    });
    expect([delivery.problem?.code, told]).toEqual(['upstream-failed', ['broken']]);
    await gone(system, 0);
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
  });

  test('an answer waits while its sink pauses, and loses nothing', async () => {
    const total = 64 * MiB;
    let written = 0;
    const { upstream } = await start((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const chunk = Buffer.alloc(MiB, 'x');
      const more = () => {
        while (written < total) {
          written += chunk.length;
          if (!socket.write(chunk)) return;
        }
      };
      socket.on('drain', more);
      more();
    });
    const sent = send(upstream);
    sent.pause();
    let before = -1;
    const stands = () => written === before || ((before = written), false);
    await expect.poll(stands, { interval: 200, timeout: 10_000 }).toBe(true);
    expect(written).toBeLessThan(total);
    const paused = sent.body().length;
    expect(paused).toBeGreaterThan(0);
    expect(paused).toBeLessThanOrEqual(64 * 1024);
    sent.resume();
    expect(await sent.delivery).toMatchObject({ bytes: total, problem: null });
  });

  test('an answer does not time out while its sink pauses', async () => {
    const { system, upstream } = await start(
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab'),
      { timeout: 500 },
    );
    const sent = send(upstream);
    sent.pause();
    await expect.poll(() => sent.body()).toBe('ab');
    // Meanwhile, another call to the same upstream times out.
    const other = createUpstream(systemAt(`http://127.0.0.1:${system.port}`, { timeout: 700 }));
    toClose.push(other);
    system.take = () => {};
    expect(await ask(other)).toMatchObject({ code: 'upstream-timeout' });
    sent.resume();
    system.sockets[0]!.write('cd');
    expect((await sent.delivery).problem).toBeNull();
    expect(sent.body()).toBe('abcd');
  });
});

describe('time limits', () => {
  test('an answer that does not begin times out', async () => {
    const { system, upstream } = await start(() => {}, { timeout: 100 });
    expect(await ask(upstream, { method: 'POST', body: BODY })).toMatchObject({
      status: 0,
      sent: true,
      code: 'upstream-timeout',
    });
    await gone(system, 0);
  });

  test('a head that comes too slowly times out', async () => {
    const { upstream } = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx: ');
        const timer = setInterval(() => socket.write('x'), 50);
        socket.once('close', () => clearInterval(timer));
      },
      { timeout: 300 },
    );
    expect(await ask(upstream)).toMatchObject({ status: 0, code: 'upstream-timeout' });
  });

  test('a slow answer does not time out while bytes keep coming', async () => {
    let said = 0;
    const { upstream } = await start(
      (socket) => {
        const timer = setInterval(() => {
          said += 1;
          socket.write(said < 8 ? 'HTTP/1.1 102 Processing\r\n\r\n' : OK);
          if (said === 8) clearInterval(timer);
        }, 100);
      },
      { timeout: 600 },
    );
    expect(await ask(upstream)).toMatchObject({ status: 200, code: null });
  });

  test('an answer that stops in the middle times out', async () => {
    const { upstream } = await start((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab'), {
      timeout: 500,
    });
    expect(await ask(upstream)).toMatchObject({ status: 200, bytes: 2, code: 'upstream-timeout' });
  });

  test('a second answer on a kept connection can time out', async () => {
    const { system, upstream } = await start(inTurn(OK), { timeout: 1000 });
    expect(await ask(upstream)).toMatchObject({ code: null });
    system.take = () => {};
    expect(await ask(upstream)).toMatchObject({ sent: true, code: 'upstream-timeout' });
    expect(system.sockets.length).toBe(1);
  });

  test('a TLS handshake that never ends times out, and the call was provably not sent', async () => {
    const system = await startBareSystem(() => {});
    const upstream = createUpstream(systemAt(`https://127.0.0.1:${system.port}`, { timeout: 100 }));
    toClose.push(upstream, system);
    expect(await ask(upstream)).toMatchObject({ sent: false, code: 'upstream-unreachable' });
  });
});

describe('connections', () => {
  test('a connection carries one call after another', async () => {
    const { system, upstream } = await start(inTurn(OK), { connections: 10 });
    for (let i = 0; i < 5; i += 1) expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    expect(system.sockets.length).toBe(1);
  });

  test('the idle connection that was used last is used next', async () => {
    const { system, upstream } = await start(inTurn(OK), { connections: 3 });
    await Promise.all([ask(upstream), ask(upstream), ask(upstream)]);
    expect(system.sockets.length).toBe(3);
    const before = system.arrived.map((all) => all.length);
    for (let i = 0; i < 4; i += 1) await ask(upstream);
    expect(system.arrived.filter((all, i) => all.length > before[i]!).length).toBe(1);
  });

  test.each([
    ['of HTTP/1.0', 'HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok'],
    ['that says close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['that is kept for a second', 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok'],
  ])('a connection is closed after an answer %s', async (_what, bytes) => {
    const { system, upstream } = await start(inTurn(bytes));
    expect(await ask(upstream)).toMatchObject({ body: 'ok', code: null });
    await gone(system, 0);
    expect(await ask(upstream)).toMatchObject({ body: 'ok', code: null });
    expect(system.sockets.length).toBe(2);
  });

  test('a connection is closed after an unexpected body, which an upstream may not have read', async () => {
    const { system, upstream } = await start(inTurn(OK));
    expect(await ask(upstream, { method: 'DELETE', body: BODY })).toMatchObject({ body: 'ok' });
    await gone(system, 0);
  });

  test('the gateway closes a connection before the upstream would', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { system, upstream } = await start(
      inTurn('HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 2\r\n\r\nok'),
    );
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    vi.advanceTimersByTime(1100);
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    expect(system.sockets.length).toBe(2);
  });

  test('an idle connection is closed after a while', async () => {
    const bytes = 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=2\r\ncontent-length: 2\r\n\r\nok';
    const { system, upstream } = await start(inTurn(bytes), { timeout: 100 });
    await ask(upstream);
    await expect.poll(() => system.sockets[0]!.readableEnded).toBe(true);
  });

  test('a connection that the upstream closed while idle is not used, whatever the call', async () => {
    const { system, upstream } = await start(inTurn(OK), { connections: 2 });
    await Promise.all([ask(upstream), ask(upstream)]);
    for (const socket of system.sockets.slice()) socket.end();
    await Promise.all([gone(system, 0), gone(system, 1)]);
    expect(await ask(upstream, { method: 'POST', body: BODY })).toMatchObject({ body: 'ok', code: null });
    expect(system.sockets.length).toBe(3);
  });

  test('a connection that the upstream reset while idle is not used', async () => {
    const { system, upstream } = await start(inTurn(OK));
    for (let i = 0; i < 3; i += 1) {
      expect(await ask(upstream, { method: 'POST', body: BODY })).toMatchObject({ body: 'ok', code: null });
      const socket = system.sockets.at(-1)!;
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect(system.sockets.length).toBe(3);
  });

  const UNSAFE = ['POST', 'PUT', 'PATCH', 'DELETE', 'QUERY', 'PROPFIND'];
  test.each(UNSAFE)(
    'a %s fails when the upstream closes its kept connection, and is not sent again',
    async (method) => {
      const { system, upstream } = await start(inTurn(OK));
      await ask(upstream);
      system.take = (socket) => socket.destroy();
      expect(await ask(upstream, { method, body: BODY })).toMatchObject({ sent: true, code: 'upstream-failed' });
      expect(system.arrived.join('').split(`${method} /`).length).toBe(2);
      expect(system.sockets.length).toBe(1);
    },
  );

  /** Closes the first connection at its second request, in one of the ways of servers, and answers on all others. */
  const closesKept = (close: (socket: Socket) => void): Take => {
    return (socket, arrived, number) => {
      if (number === 0 && arrived.split('\r\n\r\n').length > 2) close(socket);
      else socket.write(arrived.includes('HEAD /') ? OK.replace('ok', '') : OK);
    };
  };
  const RESETS = (socket: Socket) => void socket.resetAndDestroy();
  const ENDS = (socket: Socket) => void socket.end();
  test.each([
    ['GET', 'resets', RESETS],
    ['GET', 'ends', ENDS],
    ['HEAD', 'resets', RESETS],
    ['OPTIONS', 'ends', ENDS],
  ])('a %s goes out once more, on a new connection, when the upstream %s its kept one', async (method, _how, close) => {
    const { system, upstream } = await start(closesKept(close));
    await ask(upstream);
    const notes: string[] = [];
    expect(await ask(upstream, { method }, notes)).toMatchObject({ status: 200, sent: true, code: null });
    expect(notes).toEqual(['sent-again']);
    expect(system.sockets.length).toBe(2);
    expect(system.arrived[1]).toBe(system.arrived[0]!.slice(-system.arrived[1]!.length));
  });

  test('a GET is sent at most twice, and fails as one that may have arrived', async () => {
    const { system, upstream } = await start(inTurn(OK));
    await ask(upstream);
    system.take = (socket) => socket.destroy();
    const notes: string[] = [];
    expect(await ask(upstream, {}, notes)).toMatchObject({ status: 0, sent: true, code: 'upstream-failed' });
    expect(notes).toEqual(['sent-again']);
    expect(system.sockets.length).toBe(2);
    system.take = inTurn(OK);
    expect(await ask(upstream)).toMatchObject({ body: 'ok', code: null });
  });

  test('a GET fails if there is no new connection to send it on again', async () => {
    const { system, upstream } = await start(inTurn(OK));
    await ask(upstream);
    system.take = (socket) => system.stop(() => socket.destroy());
    expect(await ask(upstream)).toMatchObject({ status: 0, sent: true, code: 'upstream-failed' });
  });

  test('a GET on a new connection is not sent again', async () => {
    const { system, upstream } = await start((socket) => socket.destroy());
    expect(await ask(upstream)).toMatchObject({ sent: true, code: 'upstream-failed' });
    expect(system.sockets.length).toBe(1);
  });

  test.each([
    ['a part of the answer has come', 'HTTP/1.1 200 OK\r\n'],
    ['an interim answer has come', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('a GET is not sent again if %s', async (_what, part) => {
    const { system, upstream } = await start(inTurn(OK));
    await ask(upstream);
    system.take = (socket) => socket.end(part);
    expect(await ask(upstream)).toMatchObject({ status: 0, code: 'upstream-failed' });
    expect(system.sockets.length).toBe(1);
  });

  test('a GET is not sent again if its caller left, or its time is over', async () => {
    const { system, upstream } = await start(inTurn(OK), { timeout: 200 });
    await ask(upstream);
    system.take = () => {};
    const sent = send(upstream);
    await expect.poll(() => system.arrived[0]!.split('GET').length).toBe(3);
    sent.leave();
    expect((await sent.delivery).problem?.code).toBe('upstream-failed');
    expect(system.sockets.length).toBe(1);
    system.take = inTurn(OK);
    await ask(upstream);
    system.take = () => {};
    expect(await ask(upstream)).toMatchObject({ code: 'upstream-timeout' });
    expect(system.sockets.length).toBe(2);
  });

  test('a connection is closed if its answer, which is delivered, ends before its request is written', async () => {
    const { system, upstream } = await start((socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too Much\r\ncontent-length: 4\r\n\r\nstop');
    });
    const body = Buffer.alloc(64 * MiB, 'x');
    expect(await ask(upstream, { method: 'POST', body })).toMatchObject({ status: 413, body: 'stop', code: null });
    system.take = inTurn(OK);
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    expect(system.sockets.length).toBe(2);
  });

  test('connections are limited in number: further calls wait, in order', async () => {
    const waiting: string[] = [];
    const { system, upstream } = await start((_socket, arrived) => void waiting.push(arrived));
    const sent = ['/1', '/2', '/3'].map((target) => send(upstream, { target }));
    await expect.poll(() => waiting.length).toBe(1);
    const order: number[] = [];
    sent.forEach(({ delivery }, i) => void delivery.then(() => order.push(i)));
    system.take = inTurn(OK);
    system.sockets[0]!.write(OK);
    await Promise.all(sent.map(({ delivery }) => delivery));
    expect(order).toEqual([0, 1, 2]);
    expect(system.sockets.length).toBe(1);
    expect(system.arrived[0]!.match(/GET \/\d/g)).toEqual(['GET /1', 'GET /2', 'GET /3']);
  });

  test('a call that waits too long for a connection is refused, unsent', async () => {
    const { system, upstream } = await start(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const timer = setInterval(() => socket.write('x'), 50);
        socket.once('close', () => clearInterval(timer));
      },
      { timeout: 500 },
    );
    const endless = send(upstream);
    expect(await ask(upstream, { target: '/waiting' })).toMatchObject({ sent: false, code: 'overloaded' });
    endless.leave();
    await endless.delivery;
    expect(system.arrived.join('')).not.toContain('/waiting');
  });

  test('a call is provably unsent if its connection cannot be opened, and the next call tries again', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    await new Promise((done) => closed.close(done));
    const upstream = createUpstream(systemAt(`http://127.0.0.1:${port}`));
    toClose.push(upstream);
    for (let i = 0; i < 3; i += 1) {
      expect(await ask(upstream)).toMatchObject({ status: 0, sent: false, code: 'upstream-unreachable' });
    }
    const server = createHttpServer((_request, response) => response.end('here'));
    await once(server.listen(port, '127.0.0.1'), 'listening');
    expect(await ask(upstream)).toMatchObject({ body: 'here' });
    server.closeAllConnections();
    server.close();
  });

  test('a connection may be opened by name, and to an IPv6 address', async () => {
    const { system, upstream } = await start(inTurn(OK));
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    for (const host of ['localhost', '[::1]']) {
      const other = createUpstream(systemAt(`http://${host}:${system.port}`));
      toClose.push(other);
      expect(await ask(other)).toMatchObject({ body: 'ok' });
      expect(system.arrived.at(-1)).toContain(`\r\nhost: ${host}:${system.port}\r\n`);
    }
  });
});

describe('callers who leave', () => {
  test('a caller who leaves before the connection is open has nothing sent', async () => {
    const { system, upstream } = await start(inTurn(OK));
    const sent = send(upstream);
    sent.leave();
    expect(await sent.delivery).toMatchObject({ status: 0, sent: false });
    expect(await ask(upstream)).toMatchObject({ body: 'ok' });
    expect(system.arrived.join('').match(/GET/g)?.length).toBe(1);
  });

  test('a caller who leaves the queue has nothing sent, and the next takes the place', async () => {
    const { system, upstream } = await start(() => {});
    const first = send(upstream, { target: '/first' });
    await expect.poll(() => system.arrived[0]).toContain('/first');
    const waiting = Array.from({ length: 8 }, (_, i) => send(upstream, { target: `/waiting-${i}` }));
    expect(await ask(upstream)).toMatchObject({ sent: false, code: 'overloaded' });
    waiting[3]!.leave();
    expect(await waiting[3]!.delivery).toMatchObject({ sent: false });
    const last = send(upstream, { target: '/last' });
    system.take = inTurn(OK);
    system.sockets[0]!.write(OK);
    await Promise.all([first, ...waiting, last].map(({ delivery }) => delivery));
    expect(last.body()).toBe('ok');
    expect(system.arrived[0]).not.toContain('/waiting-3');
  });

  test('a caller who leaves before the end of the answer has the connection closed', async () => {
    const { system, upstream } = await start(() => {});
    const early = send(upstream);
    await expect.poll(() => system.arrived[0]).toContain('GET');
    early.leave();
    expect(await early.delivery).toMatchObject({ status: 0, sent: true });
    await gone(system, 0);
    system.take = (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab');
    const late = send(upstream);
    await expect.poll(() => late.body()).toBe('ab');
    late.leave();
    expect(await late.delivery).toMatchObject({ status: 200, bytes: 2, sent: true });
    await gone(system, 1);
    expect(late.told.at(-1)).toBe('broken');
  });

  test('a caller who leaves after the answer does not affect the next call', async () => {
    const { system, upstream } = await start(inTurn(OK));
    const first = send(upstream);
    first.pause();
    await first.delivery;
    system.take = () => {};
    const second = send(upstream);
    await expect.poll(() => system.arrived[0]!.match(/GET/g)?.length).toBe(2);
    first.leave();
    first.resume();
    system.sockets[0]!.write(OK);
    expect((await second.delivery).problem).toBeNull();
    expect(second.body()).toBe('ok');
  });
});

describe('closing an upstream', () => {
  test('a closed upstream ends running and queued calls, and takes no more', async () => {
    const { system, upstream } = await start(() => {});
    const [running, waiting] = [send(upstream), send(upstream)];
    await expect.poll(() => system.arrived[0]).toContain('GET');
    await upstream.close();
    expect(await running.delivery).toMatchObject({ sent: true, problem: { code: 'upstream-failed' } });
    expect(await waiting.delivery).toMatchObject({ sent: false, problem: { code: 'upstream-unreachable' } });
    expect(await ask(upstream)).toMatchObject({ sent: false, code: 'upstream-unreachable' });
    expect(system.sockets.length).toBe(1);
  });
});

describe('upstreams over TLS', () => {
  const TRUSTED = getCACertificates();
  afterEach(() => setDefaultCACertificates(TRUSTED));

  async function startTls(host: string, take: Take = inTurn(OK)) {
    const names: (string | false | null)[] = [];
    const SNICallback = (name: string, done: (error: null) => void) => (names.push(name), done(null));
    const system = await startBareSystem(take, { ...LOCALHOST, ALPNProtocols: ['h2', 'http/1.1'], SNICallback });
    const upstream = createUpstream(systemAt(`https://${host}:${system.port}`, { connections: 2 }));
    toClose.push(upstream, system);
    return { system, upstream, names };
  }

  test.each([
    ['localhost', ['localhost']],
    ['127.0.0.1', []],
  ])(
    'a call to %s goes by HTTP/1.1 on a kept connection, and the next connection resumes its session',
    async (host, sni) => {
      setDefaultCACertificates([...TRUSTED, LOCALHOST.cert]);
      const { system, upstream, names } = await startTls(host);
      const body = Buffer.alloc(200_000, '{}');
      system.take = (socket, arrived) => void (arrived.endsWith('{}') && arrived.length > 200_000 && socket.write(OK));
      expect(await ask(upstream, { method: 'POST', body })).toMatchObject({ body: 'ok', code: null });
      system.take = inTurn(OK);
      expect(await ask(upstream)).toMatchObject({ body: 'ok' });
      expect([system.sockets.length, names]).toEqual([1, sni]);
      expect((system.sockets[0] as TLSSocket).alpnProtocol).toBe('http/1.1');
      await Promise.all([ask(upstream), ask(upstream)]);
      expect((system.sockets[1] as TLSSocket).isSessionReused()).toBe(true);
    },
  );

  test('a long answer over TLS arrives unchanged, and waits for its sink', async () => {
    setDefaultCACertificates([...TRUSTED, LOCALHOST.cert]);
    const content = Buffer.alloc(8 * MiB, Buffer.from(Array.from({ length: 251 }, (_, i) => i)));
    const { upstream } = await startTls('localhost', (socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n`);
      socket.write(content);
    });
    const sent = send(upstream);
    sent.pause();
    await expect.poll(() => sent.body().length).toBeGreaterThan(0);
    expect(sent.body().length).toBeLessThan(content.length);
    sent.resume();
    expect(await sent.delivery).toMatchObject({ bytes: content.length, problem: null });
    expect(Buffer.from(sent.body(), 'latin1').equals(content)).toBe(true);
  });

  test('an upstream that answers before node reports the request as written keeps its connection', async () => {
    setDefaultCACertificates([...TRUSTED, LOCALHOST.cert]);
    // On a thread of its own, so that its answer does not wait for this event loop. It reports its number of
    // connections.
    const program = `
      let connections = 1000;
      const server = require('node:tls').createServer(require('node:worker_threads').workerData, (socket) => {
        connections += 1;
        const answer = () => socket.write('HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\n' + connections);
        socket.on('error', () => {}).on('data', answer);
      });
      server.listen(0, () => require('node:worker_threads').parentPort.postMessage(server.address().port));
    `;
    const worker = new Worker(program, { eval: true, workerData: LOCALHOST });
    toClose.push({ close: async () => void (await worker.terminate()) });
    const [port] = (await once(worker, 'message')) as [number];
    const upstream = createUpstream(systemAt(`https://localhost:${port}`, { connections: 256 }));
    toClose.push(upstream);
    let connections = 0;
    const caller = async () => {
      for (let call = 0; call < 20; call += 1) {
        const { body, code } = await ask(upstream);
        expect(code).toBeNull();
        connections = Math.max(connections, Number(body) - 1000);
      }
    };
    await Promise.all(Array.from({ length: 32 }, caller));
    expect(connections).toBeGreaterThan(0);
    // Each caller uses one connection at a time; one more may be reported late, when the next call comes.
    expect(connections).toBeLessThanOrEqual(64);
  });

  test('a pause at the end of an answer does not last into the next one', async () => {
    setDefaultCACertificates([...TRUSTED, LOCALHOST.cert]);
    const content = 'x'.repeat(40_000);
    const { system, upstream } = await startTls(
      'localhost',
      inTurn(`HTTP/1.1 200 OK\r\ncontent-length: ${content.length}\r\n\r\n${content}`),
    );
    for (let i = 0; i < 10; i += 1) {
      const sent = send(upstream);
      sent.pause();
      await expect.poll(() => sent.body().length, { interval: 1 }).toBeGreaterThan(0);
      sent.resume();
      expect(await sent.delivery).toMatchObject({ bytes: content.length, problem: null });
    }
    expect(system.sockets.length).toBe(1);
  });

  test.each([
    ['a certificate of nobody trusted', 'localhost', false],
    ['a certificate for another address', '127.0.0.2', true],
  ])('nothing is sent to an upstream with %s', async (_what, host, trusts) => {
    if (trusts) setDefaultCACertificates([...TRUSTED, LOCALHOST.cert]);
    const { system, upstream } = await startTls(host);
    const { sent, code } = await ask(upstream, { method: 'POST', body: BODY });
    expect([sent, code]).toEqual([false, 'upstream-unreachable']);
    expect(system.arrived.join('')).toBe('');
  });
});

describe('everything at once', () => {
  test('no caller ever gets anything but the answer to its own call', { timeout: 30_000 }, async () => {
    const { next } = randoms(7);
    const answered = new Map<string, number>();
    const server = createHttpServer((request, response) => {
      const { url = '' } = request;
      answered.set(url, (answered.get(url) ?? 0) + 1);
      const length = Number(/\d+$/.exec(url)![0]);
      const body = url.repeat(length);
      request.resume().once('end', () => {
        const fate = next(12);
        if (fate === 0) request.socket.destroy();
        else if (fate === 1) response.writeHead(200, { connection: 'close' }).end(body);
        else if (fate === 2)
          response.writeHead(200, { 'content-length': body.length + 1 }).write(body, () => request.socket.destroy());
        else if (fate < 6) response.write(body.slice(0, 10), () => setImmediate(() => response.end(body.slice(10))));
        else if (fate < 8)
          request.socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}surplus`);
        else response.writeHead(200, { 'content-length': body.length }).end(body);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const upstream = createUpstream(
      systemAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { connections: 8 }),
    );
    let whole = 0;
    let calls = 0;
    const caller = async () => {
      while (calls < 1000) {
        calls += 1;
        const target = `/${calls}/${next(10) === 0 ? 20_000 : next(30)}`;
        const sent = send(upstream, { target, method: 'POST', body: Buffer.alloc(next(5) * 9000) });
        const fate = next(20);
        if (fate === 0) sent.leave();
        else if (fate === 1) setImmediate(() => sent.leave());
        else if (fate === 2) setTimeout(() => sent.leave(), 1);
        else if (fate === 3) {
          sent.pause();
          setTimeout(() => sent.resume(), 2);
        }
        const { problem, status } = await sent.delivery;
        const body = target.repeat(Number(/\d+$/.exec(target)![0]));
        const isOwn = problem === null ? status === 200 && sent.body() === body : body.startsWith(sent.body());
        if (!isOwn) throw new Error(`${target} was given ${sent.body().slice(0, 100)}`);
        if (problem === null) whole += 1;
      }
    };
    await Promise.all(Array.from({ length: 32 }, caller));
    await upstream.close();
    server.closeAllConnections();
    server.close();
    expect([...answered.values()].every((times) => times === 1)).toBe(true);
    expect(whole).toBeGreaterThan(400);
  });
});
