import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createUpstream } from '../../gateway/wire/upstream.ts';
import { send, startBareSystem, systemAt, type BareSystem } from '../helpers/bare-system.ts';

// A gateway uses one connection for the calls of many agents. Whatever an upstream sends, or is made to send, an agent
// gets the answer to its own call or none. Whatever a call contains, the upstream gets that one call.

const POISON = 'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison';
const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const NEXT = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext';

const toClose: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(toClose.splice(0).map((each) => each.close()));
});

async function start(take: BareSystem['take']) {
  const system = await startBareSystem(take);
  const upstream = createUpstream(systemAt(`http://127.0.0.1:${system.port}`));
  toClose.push(upstream, system);
  return { system, upstream };
}

describe('bytes after an answer', () => {
  test.each([
    ['a whole answer', OK + POISON],
    ['half an answer', OK + POISON.slice(0, 20)],
    ['a line end', `${OK}\r\n`],
    ['one byte', `${OK}H`],
    ['an answer behind chunks', `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${POISON}`],
    ['an answer behind a 204', `HTTP/1.1 204 No Content\r\n\r\n${POISON}`],
    ['an answer behind a 304', `HTTP/1.1 304 Not Modified\r\n\r\n${POISON}`],
    ['an answer behind no length', `HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n${POISON}`],
    ['a body that a 204 has not', `HTTP/1.1 204 No Content\r\ncontent-length: ${POISON.length}\r\n\r\n`],
  ])('bytes that come with an answer never become the next one: %s', async (_what, bytes) => {
    const { system, upstream } = await start((socket) => socket.write(bytes));
    const first = send(upstream);
    expect((await first.delivery).problem).toBeNull();
    expect(first.body()).not.toContain('poison');
    system.take = (socket) => socket.write(NEXT);
    const next = send(upstream);
    await next.delivery;
    expect(next.body()).toBe('next');
    expect(system.sockets.length).toBe(2);
  });

  test.each([POISON, 'H', '\r\n'])('bytes on an idle connection never become an answer: %j', async (bytes) => {
    const { system, upstream } = await start((socket) => socket.write(OK));
    await send(upstream).delivery;
    system.sockets[0]!.write(bytes);
    await expect.poll(() => system.sockets[0]!.readableEnded || system.sockets[0]!.closed).toBe(true);
    system.take = (socket) => socket.write(NEXT);
    const next = send(upstream);
    await next.delivery;
    expect(next.body()).toBe('next');
  });

  test('bytes that came just before a call, but are not read yet, never become its answer', async () => {
    const { system, upstream } = await start((socket) => socket.write(OK));
    await send(upstream).delivery;
    system.take = (socket) => socket.write(NEXT);
    const bell = await startBareSystem(() => {});
    toClose.push(bell);
    const ring = connect(bell.port, 'localhost');
    await expect.poll(() => bell.sockets.length).toBe(1);
    const rung = once(ring, 'data').then(() => send(upstream));
    // Both have arrived when the gateway next polls, and the bell is reported first.
    setImmediate(() => {
      bell.sockets[0]!.write('!');
      system.sockets[0]!.write(POISON);
    });
    const next = await rung;
    await next.delivery;
    ring.destroy();
    expect(next.body()).toBe('next');
  });

  test('bytes that follow an answer to HEAD never become the next one', async () => {
    const { system, upstream } = await start((socket) => socket.write(OK));
    const head = send(upstream, { method: 'HEAD' });
    expect((await head.delivery).problem).toBeNull();
    expect(head.body()).toBe('');
    system.take = (socket) => socket.write(NEXT);
    const next = send(upstream);
    await next.delivery;
    expect(next.body()).toBe('next');
  });
});

describe('answers with an ambiguous end', () => {
  test.each([
    ['two lengths', 'content-length: 2\r\ncontent-length: 40'],
    ['a length twice in one line', 'content-length: 2, 2'],
    ['a length with a sign', 'content-length: +2'],
    ['a length and chunks', 'content-length: 2\r\ntransfer-encoding: chunked'],
    ['chunks under a name with a space', 'transfer-encoding : chunked'],
    ['chunks in a folded line', 'transfer-encoding:\r\n chunked'],
    ['chunks behind a bare LF', 'a: b\ntransfer-encoding: chunked'],
    ['chunks behind a bare CR', 'a: b\rtransfer-encoding: chunked'],
    ['chunks behind a NUL', 'a: b\0\r\ntransfer-encoding: chunked'],
    ['an unknown coding', 'transfer-encoding: xchunked'],
    ['chunks and an unknown coding', 'transfer-encoding: chunked, identity'],
  ])('an answer is dropped if upstreams and gateways could disagree on its end: %s', async (_what, lines) => {
    const { system, upstream } = await start((socket) =>
      socket.write(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\nok${POISON}`),
    );
    const first = send(upstream);
    expect(await first.delivery).toMatchObject({
      status: 0,
      bytes: 0,
      sent: true,
      problem: { code: 'upstream-failed' },
    });
    expect(first.told).toEqual([]);
    system.take = (socket) => socket.write(NEXT);
    const next = send(upstream);
    await next.delivery;
    expect(next.body()).toBe('next');
    expect(system.sockets.length).toBe(2);
  });
});

describe('calls that would be two on the wire', () => {
  const SMUGGLED = 'GET /forbidden HTTP/1.1\r\nhost: a\r\n\r\n';
  test.each([
    ['a line end in a value', { headers: ['a', `b\r\n\r\n${SMUGGLED}`] }],
    ['a bare LF in a value', { headers: ['a', 'b\nc: d'] }],
    ['a bare CR in a value', { headers: ['a', 'b\rc: d'] }],
    ['a NUL in a value', { headers: ['a', 'b\0'] }],
    ['a letter that latin1 folds into a line end', { headers: ['a', 'b\u010d\u010ac: d'] }],
    ['a line end in a name', { headers: ['a: b\r\nc', 'd'] }],
    ['a colon in a name', { headers: ['content-length:', '0'] }],
    ['a space in a name', { headers: ['content-length ', '0'] }],
    ['an empty name', { headers: ['', 'b'] }],
    ['a length of its own', { headers: ['Content-Length', '0'] }],
    ['chunks', { headers: ['transfer-encoding', 'chunked'] }],
    ['another host', { headers: ['Host', 'other'] }],
    ['what becomes of the connection', { headers: ['connection', 'close'] }],
    ['an upgrade', { headers: ['upgrade', 'h2c'] }],
    ['an expectation', { headers: ['expect', '100-continue'] }],
    ['a space in the target', { target: `/ HTTP/1.1\r\n\r\n${SMUGGLED}` }],
    ['a line end in the target', { target: '/a\r\nb: c' }],
    ['a letter in the target that latin1 folds into a space', { target: '/a\u0120b' }],
    ['a space in the method', { method: 'GET /forbidden HTTP/1.1\r\n\r\nGET' }],
    ['no method', { method: '' }],
    ['CONNECT', { method: 'CONNECT' }],
    ['a target that is no path', { target: 'a' }],
  ])('a call that would be two on the wire is not sent: %s', async (what, request) => {
    const { system, upstream } = await start((socket) => socket.write(OK));
    const sent = send(upstream, request);
    expect([what, await sent.delivery]).toMatchObject([
      what,
      { sent: false, problem: { code: 'upstream-unreachable' } },
    ]);
    const fence = send(upstream, { target: '/fence' });
    await fence.delivery;
    expect(system.arrived.map((all) => all.split(' HTTP', 1)[0])).toEqual(['GET /fence']);
  });
});
