import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLiveStream } from '../../../admin/routes/live-stream.ts';
import { openDesk, type Desk } from '../desk.ts';
import { openBrowser } from '../sign-in/browser.ts';
import { reviewer as person } from '../../helpers/hold.ts';

const BEN = person('ben');

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  vi.useRealTimers();
  await desk.close();
});

type Event = { readonly id: string | null; readonly event: string | null; readonly data: unknown };

/** One client of the stream, as it sees it. */
type Reader = {
  readonly response: IncomingMessage;
  readonly events: Event[];
  text: string;
  /** The newest version of each hold that it was told of. */
  versions(): Record<string, number>;
  leave(): void;
};

/** @param credential of the client: a reviewer's name, or headers */
async function read(lastEventId?: string, credential: string | Record<string, string> = 'ben'): Promise<Reader> {
  const asked = request(`${desk.url}/api/stream`, {
    headers: {
      ...(typeof credential === 'string' ? { authorization: `Bearer ${credential}-token` } : credential),
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    agent: false,
  });
  asked.on('error', () => {});
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const reader: Reader = {
    response,
    events: [],
    text: '',
    versions: () =>
      Object.fromEntries(
        reader.events
          .filter(({ event }) => event === 'hold')
          .map(({ data }) => data as { hold_id: string; version: number })
          .toSorted((a, b) => a.version - b.version)
          .map(({ hold_id, version }) => [hold_id, version]),
      ),
    leave: () => asked.destroy(),
  };
  response.setEncoding('utf8');
  response.on('error', () => {});
  response.on('data', (chunk: string) => {
    reader.text += chunk;
    reader.events.splice(0, reader.events.length, ...reader.text.split('\n\n').slice(0, -1).map(parse));
  });
  return reader;
}

function parse(block: string): Event {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
  const data = field('data');
  return { id: field('id'), event: field('event'), data: data === null ? null : JSON.parse(data) };
}

test('the stream sends each changed hold as the list shows it', async () => {
  const reader = await read();
  expect(reader.response.headers).toMatchObject({
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  });
  const id = await desk.hold();
  await expect.poll(() => reader.versions()).toEqual({ [id]: 1 });
  await desk.post(`/api/holds/${id}/claim`);
  await expect.poll(() => reader.versions()).toEqual({ [id]: 2 });
  const { items } = (await desk.get('/api/holds')).json as { items: object[] };
  expect(reader.events.at(-1)).toMatchObject({ event: 'hold', data: items[0] });
  reader.leave();
});

test('the stream replays missed changes to a client that reconnects, at least once', async () => {
  const first = await read();
  const seen = await desk.hold('{"amount":1}');
  await expect.poll(() => first.versions()).toEqual({ [seen]: 1 });
  const last = first.events.at(-1)!.id!;
  expect(Number(last)).toBe(desk.now);
  first.leave();

  desk.now += 3_600_000 * 0.25;
  const missed = await desk.hold('{"amount":2}');
  await desk.post(`/api/holds/${seen}/reject`, { body: { code: 'other' } });
  desk.now += 120_000;
  const second = await read(last);
  await expect.poll(() => second.versions()).toEqual({ [seen]: 2, [missed]: 1 });
  const live = await desk.hold('{"amount":3}');
  await expect.poll(() => second.versions()).toEqual({ [seen]: 2, [missed]: 1, [live]: 1 });
  second.leave();

  // Who has seen all of that is not told all of it again.
  desk.now += 120_000;
  const third = await read(String(desk.now));
  const newest = await desk.hold('{"amount":4}');
  await expect.poll(() => third.versions()).toEqual({ [newest]: 1 });
  third.leave();
});

test('the stream repeats recent changes without moving the id from which the client resumes', async () => {
  const id = await desk.hold();
  const last = String(desk.now + 1_000);
  desk.now += 5_000;
  const reader = await read(last);
  // The store may tell of it once more behind these, as it tells everybody who watches.
  await expect
    .poll(() => reader.events.map(({ id, event }) => [id, event]).slice(0, 3))
    .toEqual([
      [null, null],
      [last, 'hold'],
      [String(desk.now), null],
    ]);
  expect(reader.versions()).toEqual({ [id]: 1 });
  reader.leave();
});

test('the stream tells a client that is far behind to read the list', async () => {
  for (let amount = 0; amount < 501; amount++) await desk.hold(`{"amount":${amount}}`);
  const reader = await read(String(desk.now));
  await expect.poll(() => reader.events.map(({ event }) => event).slice(0, 2)).toEqual([null, 'reset']);
  reader.leave();
});

test('a slow client gets the newest state, and an id from which it misses nothing', async () => {
  const [first, second] = [await desk.hold(), await desk.hold('{"amount":1}')];
  const [a, b] = [(await desk.store.holds.find(first))!, (await desk.store.holds.find(second))!];
  let now = 1_000;
  const stream = createLiveStream({ holds: desk.store.holds, demands: () => [], clock: () => now }, BEN, null);
  for (const hold of [a, b, { ...a, version: 3 }, { ...a, version: 2 }]) {
    now += 1_000;
    stream.tell(hold);
  }
  let text = '';
  stream.events.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await expect.poll(() => text).toContain(second);
  const told = text.split('\n\n').map(parse);
  expect(told.flatMap(({ id, data }) => (data ? [[id, (data as { version: number }).version]] : []))).toEqual([
    ['2000', 3],
    ['3000', 1],
  ]);
  stream.events.destroy();
});

test('the stream sends comments as keep-alives', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const reader = await read();
  await expect.poll(() => reader.text).toMatch(/^retry: \d+\n\n/);
  vi.advanceTimersByTime(15_000);
  await vi.waitFor(() => expect(reader.text).toContain(': heartbeat\n\n'));
  reader.leave();
});

test('a client that does not read is disconnected', async () => {
  const hold = (await desk.store.holds.find(await desk.hold()))!;
  const { events, tell } = createLiveStream(
    { holds: desk.store.holds, demands: () => [], clock: () => desk.now },
    BEN,
    null,
  );
  for (let count = 0; count < 999; count++) tell({ ...hold, id: `hold_${count}` });
  // That one hold changes often keeps no client behind.
  for (let version = 2; version < 100; version++) tell({ ...hold, id: 'hold_0', version });
  expect(events.destroyed).toBe(false);
  for (let count = 0; count < 2; count++) tell({ ...hold, id: `hold_more_${count}` });
  expect(events.destroyed).toBe(true);
});

test('each person may open a limited number of streams at once', async () => {
  const readers: Reader[] = [];
  for (let count = 0; count < 8; count++) readers.push(await read());
  const ninth = await desk.get('/api/stream');
  expect(ninth).toMatchObject({ status: 429, json: { code: 'too-many-streams' } });
  const other = await read(undefined, 'cleo');
  expect(other.response.statusCode).toBe(200);
  readers.pop()!.leave();
  await expect
    .poll(async () => {
      const reader = await read();
      reader.leave();
      return reader.response.statusCode;
    })
    .toBe(200);
  for (const reader of [...readers, other]) reader.leave();
});

test('the stream ends when the listener closes', async () => {
  const reader = await read();
  const ended = once(reader.response, 'end');
  const closed = desk.close();
  await ended;
  await closed;
  expect(reader.response.complete).toBe(true);
  desk = await openDesk();
});

test('the stream is closed when missed changes cannot be read', async () => {
  const without = await openDesk({
    holds: { ...desk.store.holds, changedSince: () => Promise.reject(new Error('connection lost')) },
  });
  const asked = fetch(`${without.url}/api/stream`, {
    headers: { authorization: 'Bearer ben-token', 'last-event-id': '1' },
  });
  await expect(asked.then((response) => response.text())).rejects.toThrow();
  expect((await without.get('/-/livez')).status).toBe(200);
  await without.close();
});

test('an invalid Last-Event-ID is 422', async () => {
  const answer = await fetch(`${desk.url}/api/stream`, {
    headers: { authorization: 'Bearer ben-token', 'last-event-id': 'yesterday' },
  });
  expect(answer.status).toBe(422);
});

test('an analyst is streamed holds with the masked path of the record, and reviewers with the path as it is', async () => {
  const [analyst, reviewer] = await Promise.all([read(undefined, 'eve'), read(undefined, 'ben')]);
  const onRecord = { operation: 'createRefund', path: '/v1/[masked]', resource: 'refunds' };
  await desk.hold(undefined, {}, { path: '/v1/secret-path', onRecord });
  await expect.poll(() => [analyst, reviewer].map(({ text }) => text.includes('event: hold'))).toEqual([true, true]);
  expect(analyst.text).toContain('/v1/[masked]');
  expect(analyst.text).not.toContain('secret-path');
  expect(reviewer.text).toContain('secret-path');
  analyst.leave();
  reviewer.leave();
});

test.each([
  ['is ended elsewhere', async (id: string) => void (await desk.store.sessions.end(id, BEN.id, 'api'))],
  ['has lasted twelve hours', async () => void (desk.now += 12 * 3_600_000)],
])('a stream ends when its session %s, and others go on', async (_how, end) => {
  const browser = openBrowser(desk);
  await browser.signIn({ token: 'ben-token' });
  const [other, reader] = [await read(), await read(undefined, { cookie: browser.cookie })];
  const id = await desk.hold();
  await expect.poll(() => reader.versions()).toEqual({ [id]: 1 });
  const [session] = await desk.store.sessions.list();
  await end(session!.id);
  await expect.poll(() => reader.response.complete).toBe(true);
  expect(other.response.complete).toBe(false);
  other.leave();
});
