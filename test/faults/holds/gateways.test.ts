import type { ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, held, REVIEWER_TOKEN, TOKEN, type Answer, type RunningGateway } from '../../helpers/gateway.ts';
import { createSharedStore, SECOND_TOKEN, type SharedStore } from '../../helpers/shared-store.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.github

quorum := 1 if contains(input.action.path, "one-vote") else := 2

expires_in := "4s" if contains(input.action.path, "race") else := "1h"

hold contains {"rule": "merge", "reviewers": ["maintainers"], "quorum": quorum, "expires_in": expires_in} if {
	input.action.method == "PUT"
}

allow contains {"rule": "read"} if input.action.method == "GET"
`;

/** Holds in one round of the race. */
const RIVALS = 16;
/** Milliseconds before and after the expiry of its hold within which each of them is approved. */
const AROUND = 300;

const slow: ServerResponse[] = [];
let upstream: Upstream;
let shared: SharedStore;
let one: RunningGateway;
let two: RunningGateway;

beforeAll(async () => {
  upstream = await startUpstream(({ url }, response) => {
    if (url.includes('slow')) slow.push(response);
    else response.writeHead(200).end('merged');
  });
  shared = await createSharedStore(2, upstream.url, REGO);
  one = await shared.places[0]!.start();
  two = await shared.places[1]!.start();
});

afterAll(async () => {
  for (const response of slow) response.destroy();
  await shared?.remove();
  await upstream?.close();
});

const sentFor = (name: string) => upstream.received.filter(({ url }) => url.includes(`/${name}/`)).length;

/** A caller that waits as long as it takes. */
function wait(gateway: RunningGateway, name: string, headers: Record<string, string> = {}): Promise<Response> {
  const { method, path, body } = held(name);
  const json = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  return fetch(`${gateway.url}${path}`, { method, body, headers: { ...json, ...headers } });
}

/** The call with a handle: the id of its hold. */
async function leave(gateway: RunningGateway, name: string): Promise<string> {
  const answer = await gateway.call({ ...held(name), headers: { prefer: 'respond-async' } });
  expect(answer.status).toBe(202);
  return answer.json<{ hold_id: string }>().hold_id;
}

function approve(gateway: RunningGateway, id: string, token: string): Promise<Answer> {
  const headers = { 'if-match': '"1"', authorization: `Bearer ${token}` };
  return gateway.admin({ method: 'POST', path: `/api/holds/${id}/approve`, headers, body: '{}' });
}

type State = { readonly status: string; readonly execution: string };

async function stateOf(gateway: RunningGateway, id: string): Promise<State> {
  const { status, execution } = (await gateway.call({ path: `/-/holds/${id}` })).json<State>();
  return { status, execution };
}

/** What is told to whoever came too late. */
const TOO_LATE = { approved: /^Already approved by (ben|eve)@example\.com at /, expired: /^Expired at / };

const EXECUTED = { status: 'approved', execution: 'executed' };
const waitingAt = (gateway: RunningGateway) => gateway.metric('holdpoint_waiting_callers');

test('a call for which callers of both gateways wait is sent once, although one is killed between the two votes', async () => {
  const key = { 'idempotency-key': 'both-1' };
  const cutOff = wait(one, 'both', key).then(
    () => 'answered',
    () => 'cut off',
  );
  const id = await two.holdOf('both');
  const stays = wait(two, 'both', key);
  const left = await leave(one, 'left');
  await expect.poll(() => waitingAt(two)).toBe(1);
  expect((await approve(two, id, REVIEWER_TOKEN)).status).toBe(200);
  expect((await approve(two, left, REVIEWER_TOKEN)).status).toBe(200);

  await one.killTree();
  expect(await cutOff).toBe('cut off');
  expect([sentFor('both'), sentFor('left')]).toEqual([0, 0]);
  expect((await approve(two, id, SECOND_TOKEN)).status).toBe(200);
  expect((await approve(two, left, SECOND_TOKEN)).status).toBe(200);

  expect(await (await stays).text()).toBe('merged');
  await expect.poll(() => stateOf(two, left)).toEqual(EXECUTED);
  expect((await two.call({ path: `/-/holds/${left}/response` })).text).toBe('merged');
  const again = await wait(two, 'both', key);
  expect([again.status, await again.text()]).toEqual([200, 'merged']);
  expect([sentFor('both'), sentFor('left')]).toEqual([1, 1]);
  one = await shared.places[0]!.start();
});

test('approved on both gateways in the moment in which it expires, a call is sent once or never, and everybody is told who was first', async () => {
  const outcomes = new Set<string>();
  for (let round = 0; outcomes.size < 2; round++) {
    const names = Array.from({ length: RIVALS }, (_, index) => `race-one-vote-${round}-${index}`);
    const ends = await Promise.all(
      names.map(async (name, index) => {
        const id = await leave(index % 2 ? one : two, name);
        const { expires_at } = (await one.call({ path: `/-/holds/${id}` })).json<{ expires_at: string }>();
        const offset = ((index + 0.5) / RIVALS - 0.5) * 2 * AROUND;
        await pause(Math.max(0, Date.parse(expires_at) + offset - Date.now()));
        return {
          name,
          id,
          votes: await Promise.all([approve(one, id, REVIEWER_TOKEN), approve(two, id, SECOND_TOKEN)]),
        };
      }),
    );
    for (const { name, id, votes } of ends) {
      const won = votes.filter(({ status }) => status === 200).length;
      const status = won > 0 ? 'approved' : 'expired';
      expect(won).toBeLessThanOrEqual(1);
      for (const vote of votes.filter((each) => each.status !== 200)) {
        expect([vote.status, vote.json()]).toMatchObject([409, { detail: expect.stringMatching(TOO_LATE[status]) }]);
      }
      const execution = won > 0 ? 'executed' : 'none';
      await expect.poll(() => stateOf(two, id)).toEqual({ status, execution });
      expect(sentFor(name)).toBe(won);
      outcomes.add(status);
    }
  }
}, 240_000);

test('while PostgreSQL is away callers wait, new holds are refused and nothing is sent; afterwards all goes on', async () => {
  const calls = [wait(one, 'away-1'), wait(two, 'away-2'), wait(one, 'away-3'), wait(two, 'away-slow-one-vote')];
  const [undecided, half, refused, sending] = [
    await one.holdOf('away-1'),
    await one.holdOf('away-2'),
    await one.holdOf('away-3'),
    await one.holdOf('away-slow-one-vote'),
  ];
  const left = await leave(one, 'away-left');
  expect((await approve(one, half, REVIEWER_TOKEN)).status).toBe(200);
  expect((await approve(one, sending, REVIEWER_TOKEN)).status).toBe(200);
  await eventually('one call is on its way', () => slow.length === 1);
  await expect.poll(async () => [await waitingAt(one), await waitingAt(two)]).toEqual([2, 1]);

  // One vote is under way in that moment: whether it counts is known only afterwards.
  const [underWay] = await Promise.all([approve(two, undecided, REVIEWER_TOKEN), shared.postgres.halt()]);
  for (const gateway of [one, two]) {
    const answer = await gateway.call(held('away-new'));
    expect([answer.status, answer.json<{ code: string }>().code]).toEqual([503, 'store-unavailable']);
    expect((await gateway.call({ path: '/github/repos/acme/one' })).status).toBe(200);
    for (const id of [half, left]) expect((await approve(gateway, id, SECOND_TOKEN)).status).toBe(503);
  }
  // The answer to what was sent before is its caller's, whether or not it can be written down.
  slow.pop()!.writeHead(200).end('merged');
  expect(await (await calls[3]!).text()).toBe('merged');
  expect([await waitingAt(one), await waitingAt(two)]).toEqual([2, 1]);
  const names = ['away-1', 'away-2', 'away-3', 'away-left', 'away-new', 'away-slow-one-vote'];
  expect(names.map(sentFor)).toEqual([0, 0, 0, 0, 0, 1]);

  await shared.postgres.start();
  await expect.poll(async () => (await one.call({ path: `/-/holds/${half}` })).status).toBe(200);
  for (const [id, token] of [
    [half, SECOND_TOKEN],
    [left, REVIEWER_TOKEN],
    [left, SECOND_TOKEN],
    [undecided, SECOND_TOKEN],
  ] as const) {
    await eventually('a vote counts', async () => (await approve(two, id, token)).status === 200);
  }
  // The vote that was under way is there now, or it is given now; twice it does not count.
  const late = await approve(one, undecided, REVIEWER_TOKEN);
  expect(underWay.status === 200 ? [409] : [200, 409]).toContain(late.status);
  expect(await (await calls[0]!).text()).toBe('merged');
  expect(await (await calls[1]!).text()).toBe('merged');
  const reject = { method: 'POST', path: `/api/holds/${refused}/reject`, headers: { 'if-match': '"1"' } };
  expect((await two.admin({ ...reject, body: '{"code":"other"}' })).status).toBe(200);
  expect(await (await calls[2]!).json()).toMatchObject({ code: 'rejected' });
  for (const id of [left, sending]) {
    await expect.poll(() => stateOf(one, id)).toEqual(EXECUTED);
  }
  expect(names.map(sentFor)).toEqual([1, 1, 0, 1, 0, 1]);
}, 180_000);

test('ClickHouse has each event once, and of each hold one story', async () => {
  for (const gateway of [one, two]) expect((await gateway.stop()).code).toBe(0);
  const [ids] = await shared.query(`SELECT toUInt32(count() - uniqExact(event_id)) AS twice FROM holdpoint.events`);
  expect(ids).toEqual({ twice: 0 });
  type Story = { readonly path: string; readonly types: string[] };
  const stories = await shared.query<Story>(`SELECT hold_id, any(path) AS path, groupArray(type) AS types
    FROM holdpoint.events WHERE type LIKE 'hold.%' AND type NOT IN ('hold.attached', 'hold.reminded') GROUP BY hold_id`);
  const told = (votes: number, ...rest: string[]) =>
    ['hold.opened', ...Array.from({ length: votes }, () => 'hold.voted'), ...rest].toSorted();
  const sent = ['hold.approved', 'hold.released', 'hold.executed'];
  for (const { path, types } of stories) {
    const name = path.split('/')[3]!;
    const votes = name.includes('one-vote') ? 1 : 2;
    const ends = name.startsWith('race')
      ? [told(votes, ...sent), told(0, 'hold.expired')]
      : [name === 'away-3' ? told(0, 'hold.rejected') : told(votes, ...sent)];
    expect(ends).toContainEqual(types.toSorted());
    expect(sentFor(name)).toBe(types.includes('hold.executed') ? 1 : 0);
  }
  // Nothing was sent that has no story.
  const names = upstream.received.filter(({ method }) => method === 'PUT').map(({ url }) => url.split('/')[3]!);
  expect(stories.map(({ path }) => path.split('/')[3])).toEqual(expect.arrayContaining(names));
});
