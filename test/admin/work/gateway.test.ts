import { request, type ClientRequest } from 'node:http';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Work } from '../../../admin/work/work-route.ts';
import {
  allowed,
  blocked,
  createPlace,
  eventually,
  held,
  REVIEWER_TOKEN,
  TOKEN,
  type Place,
  type RunningGateway,
} from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
const unanswered: (() => void)[] = [];

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    const answer = () => response.writeHead(url.includes('broken') ? 500 : 201).end('{}');
    if (url.includes('slow')) unanswered.push(answer);
    else answer();
  });
  place = await createPlace(upstream.url);
  gateway = await place.start();
}, 120_000);
afterAll(async () => {
  await place?.remove();
  await upstream?.close();
}, 60_000);

const KEY = { owner: 'ana@example.com', agent: 'merge-bot', system: 'github' };

async function work(): Promise<Work> {
  return (await gateway.admin({ path: '/api/work' })).json<Work>();
}

const sums = (of: Work) =>
  of.items.map(({ operation, in_flight, held, executed, failed, blocked }) => ({
    operation,
    in_flight,
    held,
    executed,
    failed,
    blocked,
  }));

/** The events of kind `work` on the stream, as they come. */
async function* told(signal: AbortSignal): AsyncGenerator<Work> {
  const response = await fetch(`${gateway.adminUrl}/api/stream?work=true`, {
    headers: { authorization: `Bearer ${REVIEWER_TOKEN}` },
    signal,
  });
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop()!;
    for (const block of blocks) {
      const data = /^event: work\ndata: (.*)$/.exec(block)?.[1];
      if (data !== undefined) yield JSON.parse(data) as Work;
    }
  }
}

test('calls are seen while both workers serve them, while they wait for people, and once they are done', async () => {
  const watching = new AbortController();
  const seen = told(watching.signal);
  expect((await seen.next()).value).toMatchObject({ items: [], missing: [], is_cut: false });

  const calls = Array.from({ length: 7 }, () => gateway.call(allowed('slow')));
  const waiting = gateway.call(held('waits'));
  await eventually('all calls have arrived', () => unanswered.length === 7);
  const hold = await gateway.holdOf('waits');
  await gateway.call(blocked('never'));
  await gateway.call(allowed('broken'));

  let now = await work();
  await eventually('the calls are in flight', async () => {
    now = await work();
    return now.items.some(({ in_flight }) => in_flight === 7) && now.items.some(({ held }) => held === 1);
  });
  const merge = now.items.find((item) => item.held === 1)!;
  const create = now.items.find((item) => item.in_flight === 7)!;
  expect(merge).toMatchObject({ ...KEY, operation: 'PUT /repos/acme/waits/pulls/{id}/merge', in_flight: 0 });
  expect(create).toMatchObject({ ...KEY, operation: 'POST /repos/acme/slow/issues', held: 0 });
  expect(create.calls).toHaveLength(5);
  const story = await gateway.admin({ path: `/api/calls/${create.calls[0]!.call_id}` });
  expect(story.json<{ events: object[] }>().events).toMatchObject([{ type: 'call.decided', at: expect.any(String) }]);
  const live = async () => (await seen.next()).value as Work;
  let last = await live();
  while (!(last.items.some(({ in_flight }) => in_flight === 7) && last.items.some((item) => item.held === 1)))
    last = await live();
  expect(last.items).toContainEqual({
    ...KEY,
    operation: create.operation,
    in_flight: 7,
    calls: create.calls,
    held: 0,
  });

  for (const answer of unanswered) answer();
  await Promise.all(calls);
  await gateway.approve(hold);
  await waiting;
  await gateway.caughtUp();
  await eventually('the work is done', async () => {
    now = await work();
    return now.items.some(({ executed }) => executed === 7) && now.items.every(({ held }) => held === 0);
  });
  while (last.items.length > 0) last = await live();
  watching.abort();
  const { rows } = (await gateway.admin({ path: '/api/reports/work-executed?by=each' })).json<{
    rows: { operation: string; executed: number; failed: number; blocked: number }[];
  }>();
  const byOperation = (a: { operation: string }, b: { operation: string }) => (a.operation < b.operation ? -1 : 1);
  expect(sums(now).toSorted(byOperation)).toEqual(
    rows
      .map(({ operation, executed, failed, blocked }) => ({
        operation,
        in_flight: 0,
        held: 0,
        executed,
        failed,
        blocked,
      }))
      .toSorted(byOperation),
  );
  expect(sums(now).reduce((sum, { executed }) => sum + executed, 0)).toBe(8);
  expect(sums(now).reduce((sum, { failed }) => sum + failed, 0)).toBe(1);
  expect(sums(now).reduce((sum, { blocked }) => sum + blocked, 0)).toBe(1);
}, 60_000);

test('a call whose body still arrives is in flight, without an operation yet', async () => {
  const uploading: ClientRequest = request(`${gateway.url}/github/repos/acme/upload/issues`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
  uploading.write('{');
  await eventually('the upload is seen', async () =>
    (await work()).items.some(
      ({ operation, in_flight, calls }) => operation === '' && in_flight === 1 && !calls.length,
    ),
  );
  uploading.end('}');
  const [response] = (await once(uploading, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  expect(response.statusCode).toBe(201);
  await eventually('nothing is in flight', async () => (await work()).items.every(({ in_flight }) => in_flight === 0));
}, 30_000);

test('the period begins at a time that has passed, in any time zone', async () => {
  const wrong = await gateway.admin({ path: '/api/work?since=yesterday' });
  expect([wrong.status, wrong.text]).toEqual([422, expect.stringContaining('expected a time such as')]);
  const later = await gateway.admin({ path: '/api/work?since=2999-01-01T00:00:00Z' });
  expect([later.status, later.text]).toEqual([422, expect.stringContaining('expected a time that has passed')]);
  const all = await gateway.admin({ path: '/api/work?since=2000-01-01T00:00:00%2B02:00' });
  expect(all.json<Work>()).toMatchObject({ since: '1999-12-31T22:00:00.000Z', missing: [] });
});
