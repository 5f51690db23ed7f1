import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { hashToken } from '../../gateway/identify/token.ts';
import { writeFiles } from '../helpers/folder.ts';
import {
  createPlace,
  CREDENTIAL,
  eventually,
  REVIEWER_TOKEN,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../helpers/gateway.ts';
import { testOpa } from '../helpers/policy.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const OTHER = 'hp_other-agent-of-the-tests';
const EACH = 6;
const KINDS = ['events', 'download', 'silent', 'upload', 'websocket'] as const;
type Kind = (typeof KINDS)[number];

let upstream: Upstream;
let chat: WebSocketServer;
let policies: ReturnType<typeof writeFiles>;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  await testOpa();
  upstream = await startUpstream(({ url }, response) => {
    if (url.startsWith('/silent')) return;
    response.writeHead(200, { 'content-type': url.startsWith('/events') ? 'text/event-stream' : 'application/zip' });
    if (url.startsWith('/download')) response.write(Buffer.alloc(8 * 2 ** 20));
    const timer = setInterval(() => response.write('data: {}\n\n'), 20);
    response.once('close', () => clearInterval(timer));
  });
  chat = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(chat, 'listening');
  policies = writeFiles({
    'all.rego': 'package rules.all\n\nallow contains {"rule": "all"} if true\n',
  });
  const agent = (id: string, token: string) => ({
    id,
    owner: 'ana@example.com',
    token_sha256: hashToken(token),
    systems: ['github', 'chat'],
  });
  const credential = { header: 'authorization', value: CREDENTIAL };
  place = await createPlace(upstream.url, {
    policies: policies.path,
    systems: {
      github: { upstream: upstream.url, credential },
      chat: { upstream: `http://127.0.0.1:${(chat.address() as AddressInfo).port}`, credential },
    },
    agents: [agent('merge-bot', TOKEN), agent('other-bot', OTHER)],
    reviewers: [{ id: 'dora@example.com', token_sha256: hashToken(REVIEWER_TOKEN), roles: ['operator'] }],
  });
  gateway = await place.start();
}, 120_000);

afterAll(async () => {
  await place?.remove();
  policies?.remove();
  chat?.close();
  await upstream?.close();
});

/** A stream of an agent on a connection of its own, and whether it has ended. */
type Stream = { readonly kind: Kind; ended: boolean; resume(): void; close(): void };

/** Begins streams of every kind, and resolves when bytes pass on each. */
async function begin(token: string): Promise<Stream[]> {
  const streams = KINDS.flatMap((kind) => Array.from({ length: EACH }, (_, n) => ({ kind, n })));
  return Promise.all(
    streams.map(({ kind, n }) => (kind === 'websocket' ? openSocket(token) : openStream(kind, n, token))),
  );
}

async function openSocket(token: string): Promise<Stream> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/chat/room`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const stream: Stream = {
    kind: 'websocket',
    ended: false,
    resume: () => {},
    close: () => socket.terminate(),
  };
  socket.on('error', () => {});
  socket.on('close', () => (stream.ended = true));
  await once(socket, 'open');
  return stream;
}

async function openStream(kind: Exclude<Kind, 'websocket'>, n: number, token: string): Promise<Stream> {
  const path = `/${kind}/${token.slice(3, 8)}-${n}`;
  const outgoing = request(`${gateway.url}/github${path}`, {
    method: kind === 'upload' ? 'POST' : 'GET',
    headers: {
      authorization: `Bearer ${token}`,
      ...(kind === 'upload' && { 'content-type': 'application/octet-stream', 'content-length': 900_000 }),
    },
    agent: new Agent(),
  });
  const stream: Stream = { kind, ended: false, resume: () => {}, close: () => outgoing.destroy() };
  const end = () => (stream.ended = true);
  outgoing.on('error', end).on('close', end);
  if (kind === 'upload') await upload(outgoing);
  else outgoing.end();
  if (kind === 'silent') await eventually('the call is sent', () => upstream.received.some(({ url }) => url === path));
  if (kind === 'events' || kind === 'download') {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    response.on('error', end).on('close', end);
    await once(response, 'data');
    // The agent of a download reads no further: the rest waits in the gateway.
    if (kind === 'download') response.pause();
    stream.resume = () => void response.resume();
  }
  return stream;
}

/** Sends a body bit by bit, for as long as the connection lives. */
async function upload(outgoing: ClientRequest): Promise<void> {
  const timer = setInterval(() => outgoing.write('x'), 20);
  outgoing.once('close', () => clearInterval(timer));
  outgoing.write('x');
  await once(outgoing, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'));
}

const flip = async (path: string) => {
  expect(await gateway.admin({ method: 'POST', path, body: '{}' })).toMatchObject({ status: 200 });
};
/** Resolves when the streams of an agent have ended. Agents that had stopped reading read on. */
async function ended(streams: readonly Stream[]): Promise<void> {
  for (const { resume } of streams) resume();
  await eventually('all streams have ended', () => left(streams).length === 0);
}
const left = (streams: readonly Stream[]) => streams.filter(({ ended }) => !ended).map(({ kind }) => kind);

test('a suspended agent loses every stream on every worker, and another agent loses none', async () => {
  const [mine, others] = [await begin(TOKEN), await begin(OTHER)];
  await flip('/api/agents/merge-bot/suspend');
  await ended(mine);
  expect(left(others)).toHaveLength(KINDS.length * EACH);
  await flip('/api/agents/merge-bot/resume');
  for (const each of [...mine, ...others]) each.close();
});

test('a suspended system loses its streams, and another system keeps them', async () => {
  const mine = await begin(TOKEN);
  await flip('/api/systems/chat/suspend');
  await eventually('all tunnels have ended', () => !left(mine).includes('websocket'));
  expect(left(mine)).toHaveLength((KINDS.length - 1) * EACH);
  await flip('/api/systems/chat/resume');
  for (const each of mine) each.close();
});

test('an agent that leaves the configuration loses its streams', async () => {
  const [mine, others] = [await begin(TOKEN), await begin(OTHER)];
  const { agents, ...config } = JSON.parse(readFileSync(place.config, 'utf8'));
  const kept = agents.filter(({ id }: { id: string }) => id !== 'merge-bot');
  writeFileSync(place.config, JSON.stringify({ ...config, agents: kept }));
  await ended(mine);
  expect(left(others)).toHaveLength(KINDS.length * EACH);
  for (const each of others) each.close();
});

test('the record says of each of these calls why it ended', async () => {
  const ends = () => gateway.log.filter(({ code }) => code === 'suspended' || code === 'system-not-granted').length;
  await eventually('all of them have ended', () => ends() === (2 * KINDS.length + 1) * EACH);
  await gateway.stop();
  gateway = await place.start();
  await gateway.caughtUp();
  await gateway.stop();
  const rows = await place.query<{ agent: string; code: string; kind: string; calls: string }>(`
    SELECT agent, code, if(system = 'chat', 'websocket', splitByChar('/', path)[2]) AS kind, count() AS calls
    FROM holdpoint.events
    WHERE type IN ('call.completed', 'call.refused') AND code IN ('suspended', 'system-not-granted')
    GROUP BY ALL ORDER BY ALL`);
  const cut = (code: string, kind: string) =>
    rows.filter((row) => row.code === code && row.kind === kind).reduce((sum, row) => sum + Number(row.calls), 0);
  for (const kind of ['events', 'download', 'silent']) expect([kind, cut('suspended', kind)]).toEqual([kind, EACH]);
  // The path of a call that was refused before it was read is not recorded.
  expect(cut('suspended', '')).toBe(EACH);
  expect(cut('suspended', 'websocket')).toBe(2 * EACH);
  for (const kind of ['events', 'download', 'silent', '', 'websocket'])
    expect([kind, cut('system-not-granted', kind)]).toEqual([kind, EACH]);
  expect(new Set(rows.map(({ agent }) => agent))).toEqual(new Set(['merge-bot']));
});
