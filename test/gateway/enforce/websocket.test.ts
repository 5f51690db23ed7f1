import { once } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { assertCall, type Hold } from '../../../gateway/domain/hold.ts';
import { connectRaw } from '../../security/raw-agent.ts';
import {
  approve as approveHold,
  BEN,
  OTHER_TOKEN,
  startDataPlane,
  TOKEN,
  type DataPlane,
} from '../../helpers/data-plane.ts';

const REGO = `package rules.chat

allow contains {"rule": "listens"} if input.action.path == "/v1/room"

allow contains {"rule": "named"} if input.action.segments in [["rooms", "a/b"], ["rooms", "a", "b"], []]

hold contains {"rule": "speaks", "reason": "ask first"} if startswith(input.action.path, "/v1/stage/")

block contains {"rule": "vault", "reason": "nobody listens there"} if input.action.path == "/v1/vault"

allow contains {"rule": "reads"} if {
	input.action.path == "/v1/page"
	input.action.protocol == "http"
}
`;

let system: WebSocketServer;
/** The handshakes that reached the system, and every TCP connection to it. */
const handshakes: IncomingMessage[] = [];
let connections = 0;
let plane: DataPlane;
/** If set, it is told of the next handshake that the system delays. */
let gate: ((admit: () => void) => void) | null = null;

beforeAll(async () => {
  system = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    verifyClient: (_info, admit: (ok: boolean) => void) => (gate ? gate(() => admit(true)) : admit(true)),
  });
  await once(system, 'listening');
  system.on('connection', (socket, request) => {
    handshakes.push(request);
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  (system as unknown as { _server: NodeJS.EventEmitter })._server.on('connection', () => (connections += 1));
  const upstream = `http://127.0.0.1:${(system.address() as AddressInfo).port}/base`;
  const credential = { header: 'authorization', value: 'Bearer system-key' };
  plane = await startDataPlane({
    systems: {
      chat: { upstream, credential, listen: '127.0.0.1:0', hosts: ['chat.example'], wait: '30s' },
      away: { upstream: 'http://127.0.0.1:1' },
    },
    rego: { 'chat.rego': REGO, 'away.rego': REGO.replace('rules.chat', 'rules.away') },
  });
});

afterAll(async () => {
  await plane?.close();
  for (const client of system?.clients ?? []) client.terminate();
  system?.close();
});

function open(url: string, headers: Record<string, string | string[]> = {}, protocols: string[] = []): WebSocket {
  const socket = new WebSocket(url, protocols, { headers: { authorization: `Bearer ${TOKEN}`, ...headers } });
  socket.on('error', () => {});
  return socket;
}

const shared = (path: string) => `${plane.url.replace('http', 'ws')}${path}`;

/** The refusal of a handshake. */
async function refusal(
  socket: WebSocket,
): Promise<{ status: number | undefined; type: string | undefined; body: object }> {
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode, type: response.headers['content-type'], body: JSON.parse(text) as object };
}

async function echo(socket: WebSocket, message: string | Buffer): Promise<{ data: string; binary: boolean }> {
  socket.send(message);
  const [data, binary] = (await once(socket, 'message')) as [Buffer, boolean];
  return { data: data.toString(), binary };
}

/** The agent's end opens first. An echo has been through the whole tunnel. */
async function opened(socket: WebSocket): Promise<void> {
  await once(socket, 'open');
  await echo(socket, 'is anybody there?');
}

async function close(socket: WebSocket): Promise<void> {
  socket.close();
  await once(socket, 'close');
}

async function pendingHold(path: string): Promise<Hold> {
  const pending = async () =>
    (await plane.store.holds.list({ status: 'pending', limit: 10 })).items.find(
      (hold) => assertCall(hold).path === path,
    );
  await expect.poll(pending).toBeDefined();
  return (await pending())!;
}

const approve = ({ id }: Hold) => approveHold(plane.store, id);

const eventsOf = async (path: string) => (await plane.events()).filter((event) => event.path === path);

test('a tunnel is closed when its agent is suspended, and another agent’s tunnel is not', async () => {
  const [mine, other] = [
    open(shared('/chat/v1/room')),
    open(shared('/chat/v1/room'), { authorization: `Bearer ${OTHER_TOKEN}` }),
  ];
  await Promise.all([opened(mine), opened(other)]);
  const cut = once(mine, 'close');
  const whom = { kind: 'agent', name: 'billing-bot', by: 'dora@example.com', channel: 'api', reason: null } as const;
  await plane.store.suspensions.suspend(whom);
  await plane.store.suspensions.refresh();
  await cut;
  expect(await echo(other, 'still here')).toMatchObject({ data: 'still here' });
  expect(await refusal(open(shared('/chat/v1/room')))).toMatchObject({ status: 403, body: { code: 'suspended' } });
  await plane.store.suspensions.resume('agent', 'billing-bot', 'dora@example.com', 'api');
  await plane.store.suspensions.refresh();
  await close(other);
});

describe('allowed handshakes', () => {
  test('an allowed handshake opens a tunnel that carries text and bytes both ways', async () => {
    const socket = open(shared('/chat/v1/room?topic=a%20b&x=1'));
    await once(socket, 'open');
    expect(await echo(socket, 'hello')).toEqual({ data: 'hello', binary: false });
    expect(await echo(socket, Buffer.from('bytes'))).toEqual({ data: 'bytes', binary: true });
    expect(await echo(socket, 'x'.repeat(200_000))).toMatchObject({ binary: false });
    expect(handshakes.at(-1)?.url).toBe('/base/v1/room?topic=a%20b&x=1');
    await close(socket);
  });

  test('an allowed handshake carries the credential of the system, and never that of the agent', async () => {
    const forged = { 'x-api-key': TOKEN, cookie: 'a=1', 'x-forwarded-for': '1.2.3.4', 'holdpoint-verdict': 'allow' };
    const socket = open(shared('/chat/v1/room'), { ...forged, 'x-note': 'kept' });
    await opened(socket);
    const { headers, rawHeaders } = handshakes.at(-1)!;
    expect(headers.authorization).toBe('Bearer system-key');
    expect(headers['x-note']).toBe('kept');
    for (const name of Object.keys(forged)) expect(headers[name]).toBeUndefined();
    expect(rawHeaders.join()).not.toContain(TOKEN);
    await close(socket);
  });

  test('an allowed handshake joins repeated headers in one line, as policy saw them', async () => {
    const socket = open(shared('/chat/v1/room'), { 'accept-language': ['de', 'en'] });
    await opened(socket);
    expect(handshakes.at(-1)?.headers['accept-language']).toBe('de, en');
    await close(socket);
  });

  test('an allowed handshake passes its subprotocol to the system', async () => {
    const socket = open(shared('/chat/v1/room'), {}, ['chat.v2']);
    await opened(socket);
    expect(socket.protocol).toBe('chat.v2');
    expect(handshakes.at(-1)?.headers['sec-websocket-protocol']).toBe('chat.v2');
    await close(socket);
  });

  test.each([
    ['an address of the system’s own', () => `ws://${plane.address('chat')}/v1/room`, {}],
    ['the system’s host name', () => shared('/v1/room'), { host: 'chat.example' }],
  ])('an allowed handshake reaches its system by %s', async (_how, url, headers) => {
    const socket = open(url(), headers);
    await once(socket, 'open');
    expect(await echo(socket, 'hello')).toMatchObject({ data: 'hello' });
    expect(handshakes.at(-1)?.url).toBe('/base/v1/room');
    await close(socket);
  });

  test('an allowed handshake is recorded with its decision and, once the tunnel has closed, its end', async () => {
    const before = (await eventsOf('/v1/room')).length;
    const socket = open(shared('/chat/v1/room'));
    await once(socket, 'open');
    expect((await eventsOf('/v1/room')).length).toBe(before + 1);
    await close(socket);
    await expect.poll(async () => (await eventsOf('/v1/room')).length).toBe(before + 2);
    const [decided, completed] = (await eventsOf('/v1/room')).slice(before);
    expect(decided).toMatchObject({ type: 'call.decided', verdict: 'allow', rules: ['rules.chat/listens'] });
    expect(completed).toMatchObject({ type: 'call.completed', status: 101, decision_id: decided?.decision_id });
  });

  test('an allowed handshake to an unreachable system ends in a closed tunnel', async () => {
    const socket = open(shared('/away/v1/room'));
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1011);
  });

  test('a tunnel closes at the agent when the system closes', async () => {
    const socket = open(shared('/chat/v1/room'));
    await opened(socket);
    for (const client of system.clients) client.close(4001, 'enough');
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([4001, 'enough']);
  });

  test('a tunnel closes at the system when the agent left before the system had answered', async () => {
    const admit = new Promise<() => void>((resolve) => (gate = resolve));
    const socket = open(shared('/chat/v1/room'));
    await once(socket, 'open');
    const answer = await admit;
    gate = null;
    await close(socket);
    const admitted = once(system, 'connection') as Promise<[WebSocket]>;
    answer();
    const [left] = await admitted;
    await once(left, 'close');
    expect(left.readyState).toBe(WebSocket.CLOSED);
  });

  test('a tunnel closes at the system when the agent leaves', async () => {
    const socket = open(shared('/chat/v1/room'));
    await opened(socket);
    expect(system.clients.size).toBe(1);
    socket.terminate();
    await expect.poll(() => system.clients.size).toBe(0);
  });
});

test.each([
  ['/chat/rooms/a%2Fb', '/base/rooms/a%2Fb'],
  ['/chat', '/base'],
])('a handshake for %s arrives at %s', async (path, arrived) => {
  const socket = open(shared(path));
  await opened(socket);
  expect(handshakes.at(-1)?.url).toBe(arrived);
  await close(socket);
});

describe('refused handshakes', () => {
  test.each<readonly [why: string, path: string, headers: Record<string, string>, status: number, code: string]>([
    ['policy blocks it', '/chat/v1/vault', {}, 403, 'blocked'],
    ['there is no rule', '/chat/v1/other', {}, 403, 'blocked'],
    ['the credential is unknown', '/chat/v1/room', { authorization: 'Bearer wrong' }, 401, 'unauthenticated'],
    ['there is no such system', '/nowhere', {}, 404, 'unknown-system'],
    ['only a plain call is allowed', '/chat/v1/page', {}, 403, 'blocked'],
    ['the path is ambiguous', '/chat/v1/vault%2f..%2froom', {}, 400, 'ambiguous-path'],
    [
      'policy holds it and it prefers not to wait',
      '/chat/v1/stage/now',
      { prefer: 'respond-async, wait=0' },
      503,
      'approval-pending',
    ],
  ])(
    'a handshake is a problem when %s, and no connection to the system is made',
    async (_why, path, headers, status, code) => {
      const before = connections;
      const socket = open(shared(path), headers);
      const told = await refusal(socket);
      expect(told).toMatchObject({ status, type: 'application/problem+json', body: { code, status } });
      expect(connections).toBe(before);
    },
  );

  test.each(['/chat/v1/ro"om', "/chat/v1/room?q='x'", '/chat/v1/a{b}'])(
    'a handshake is a problem when its target %s would be rewritten on the way',
    async (target) => {
      const before = connections;
      const agent = await connectRaw(plane.url.slice('http://'.length));
      const head = [`GET ${target} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${TOKEN}`, 'Connection: Upgrade'];
      const upgrade = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
      agent.send(`${[...head, ...upgrade, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='].join('\r\n')}\r\n\r\n`);
      expect((await agent.rest()).map(({ status }) => status)).toEqual([400]);
      expect(connections).toBe(before);
    },
  );

  test('a handshake with a body is a problem, as no handshake carries one', async () => {
    const before = connections;
    const agent = await connectRaw(plane.url.slice('http://'.length));
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
    const head = ['GET /chat/v1/room HTTP/1.1', 'Host: a', `Authorization: Bearer ${TOKEN}`, 'Content-Length: 2'];
    agent.send(`${[...head, ...upgrade, 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='].join('\r\n')}\r\n\r\n{}`);
    expect((await agent.rest()).map(({ status }) => status)).toEqual([400]);
    expect(connections).toBe(before);
  });

  test('a refused handshake is recorded', async () => {
    const before = (await eventsOf('/v1/vault')).length;
    await refusal(open(shared('/chat/v1/vault')));
    await expect.poll(async () => (await eventsOf('/v1/vault')).length).toBe(before + 2);
    expect((await eventsOf('/v1/vault')).at(-1)).toMatchObject({
      type: 'call.completed',
      status: 403,
      code: 'blocked',
    });
  });
});

describe('held handshakes', () => {
  test('a held handshake waits, and its tunnel opens when a person approves', async () => {
    const before = connections;
    const socket = open(shared('/chat/v1/stage/first'));
    const hold = await pendingHold('/v1/stage/first');
    expect(connections).toBe(before);
    expect(socket.readyState).toBe(WebSocket.CONNECTING);
    const opened = once(socket, 'open');
    await approve(hold);
    await opened;
    expect(await echo(socket, 'hello')).toMatchObject({ data: 'hello' });
    await expect
      .poll(() => plane.store.holds.find(hold.id))
      .toMatchObject({ status: 'approved', execution: 'executed', upstreamStatus: 101 });
    await close(socket);
    const events = (await eventsOf('/v1/stage/first')).filter(({ decision_id }) => decision_id === hold.decisionId);
    expect(events.map(({ type, status, hold_id }) => [type, status, hold_id])).toEqual([
      ['call.decided', undefined, undefined],
      ['call.completed', 101, hold.id],
    ]);
    // The messages are gone; there is no answer that could be fetched later.
    const answer = await fetch(`${plane.url}/-/holds/${hold.id}/response`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    expect(answer.status).toBe(409);
  });

  test('a held handshake is 403 when a person rejects it', async () => {
    const told = refusal(open(shared('/chat/v1/stage/second')));
    const hold = await pendingHold('/v1/stage/second');
    const { id, revision } = hold;
    await plane.store.holds.apply(id, {
      type: 'reject',
      by: BEN,
      channel: 'api',
      revision,
      code: 'not-now',
      note: 'later',
    });
    expect(await told).toMatchObject({ status: 403, body: { code: 'rejected', note: 'later' } });
  });

  test('a held handshake is not executed when its agent hangs up, by a close or a reset, and the worker lives on', async () => {
    for (const [name, hangUp] of [
      ['third', (socket: WebSocket) => socket.terminate()],
      ['fourth', (socket: WebSocket) => void request(socket).socket?.resetAndDestroy()],
    ] as const) {
      const before = connections;
      const socket = open(shared(`/chat/v1/stage/${name}`));
      const hold = await pendingHold(`/v1/stage/${name}`);
      hangUp(socket);
      const ended = async () =>
        (await plane.events()).some(
          ({ type, status, decision_id }) =>
            type === 'call.completed' && status === undefined && decision_id === hold.decisionId,
        );
      await expect.poll(ended).toBe(true);
      await approve(hold);
      expect(await plane.store.holds.find(hold.id)).toMatchObject({ status: 'approved', execution: 'none' });
      expect(connections).toBe(before);
    }
  });

  function request(socket: WebSocket): ClientRequest {
    return (socket as unknown as { _req: ClientRequest })._req;
  }
});
