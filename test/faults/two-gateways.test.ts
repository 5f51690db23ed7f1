import { once } from 'node:events';
import { cpSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { startEmbedded, type Embedded } from '../../audit/clickhouse/start-embedded.ts';
import { hashToken } from '../../gateway/identify/token.ts';
import { tempFolder, writeFiles } from '../helpers/folder.ts';
import { createPlace, eventually, held, REVIEWER_TOKEN, type Place, type RunningGateway } from '../helpers/gateway.ts';
import { testOpa } from '../helpers/policy.ts';
import { startPostgres, type PostgresServer } from '../helpers/postgres.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const REGO = `package rules.github

hold contains {"rule": "merge", "reviewers": ["maintainers"], "quorum": 2} if input.action.method == "PUT"
`;
const SECOND_TOKEN = 'hp_second-reviewer-of-the-tests';

const folder = tempFolder();
const policies = writeFiles({ 'github.rego': REGO });
const owed: ServerResponse[] = [];
let postgres: PostgresServer;
let clickhouse: Embedded;
let upstream: Upstream;
let places: Place[];
let one: RunningGateway;
let two: RunningGateway;

beforeAll(async () => {
  await testOpa();
  [postgres, clickhouse] = await Promise.all([
    startPostgres(),
    startEmbedded({ path: join(folder.path, 'clickhouse') }),
  ]);
  upstream = await startUpstream(({ url }, response) => {
    if (url.includes('/slow')) owed.push(response);
    else response.writeHead(200).end('merged');
  });
  const { url, username, password } = clickhouse;
  const person = (id: string, token: string) => ({ id, token_sha256: hashToken(token), groups: ['maintainers'] });
  const config = {
    store: postgres.url,
    clickhouse: { url, username, password },
    policies: policies.path,
    workers: 1,
    reviewers: [person('ben@example.com', REVIEWER_TOKEN), person('eve@example.com', SECOND_TOKEN)],
  };
  places = [
    await createPlace(upstream.url, { ...config, node: 'one' }),
    await createPlace(upstream.url, { ...config, node: 'two' }),
  ];
  one = await places[0]!.start();
  // Gateways on one store share its key.
  cpSync(join(places[0]!.data, 'keys'), join(places[1]!.data, 'keys'), { recursive: true });
  two = await places[1]!.start();
});

afterAll(async () => {
  for (const response of owed) response.destroy();
  for (const place of places ?? []) await place.remove();
  clickhouse?.child.kill('SIGTERM');
  if (clickhouse) await once(clickhouse.child, 'exit');
  await postgres?.stop();
  await upstream?.close();
  policies.remove();
  folder.remove();
});

const sentFor = (name: string) => upstream.received.filter(({ url }) => url.includes(`/${name}/`)).length;
const async = { prefer: 'respond-async' };
const executionOf = async (gateway: RunningGateway, id: string) =>
  (await gateway.call({ path: `/-/holds/${id}` })).json<{ execution: string }>().execution;

async function approveTwice(gateway: RunningGateway, id: string): Promise<void> {
  expect((await gateway.approve(id)).status).toBe(200);
  expect((await gateway.approve(id, SECOND_TOKEN)).status).toBe(200);
}

test('a gateway that starts next to another does not settle the other’s running releases as abandoned', async () => {
  const answer = one.call(held('slow-1'));
  const hold_id = await one.holdOf('slow-1');
  await approveTwice(one, hold_id);
  await expect.poll(() => owed.length).toBe(1);
  expect((await two.stop()).code).toBe(0);
  two = await places[1]!.start();
  expect(await executionOf(two, hold_id)).toBe('releasing');
  owed.pop()!.writeHead(200).end('merged');
  expect((await answer).text).toBe('merged');
  await expect.poll(() => executionOf(two, hold_id)).toBe('executed');
  expect(sentFor('slow-1')).toBe(1);
});

test('a hold of a killed gateway is decided and sent by another one, once, and its events are recorded once', async () => {
  const left = (await one.call({ ...held('left'), headers: async })).json<{ hold_id: string }>().hold_id;
  const waiting = one.call(held('waits')).catch(() => 'cut off');
  const waits = await two.holdOf('waits');
  const cut = one.call(held('slow-2')).catch(() => 'cut off');
  const sending = await two.holdOf('slow-2');
  await approveTwice(one, sending);
  await expect.poll(() => owed.length).toBe(1);
  expect((await two.approve(left)).status).toBe(200);
  expect((await two.approve(waits)).status).toBe(200);

  await one.killTree();
  expect(await Promise.all([waiting, cut])).toEqual(['cut off', 'cut off']);
  expect((await two.approve(left, SECOND_TOKEN)).status).toBe(200);
  expect((await two.approve(waits, SECOND_TOKEN)).status).toBe(200);

  await expect.poll(() => executionOf(two, left)).toBe('executed');
  expect(await executionOf(two, waits)).toBe('none');
  const again = await two.call(held('waits'));
  expect([again.status, again.text]).toEqual([200, 'merged']);
  await expect.poll(() => executionOf(two, sending), { timeout: 40_000 }).toBe('indeterminate');
  expect([sentFor('left'), sentFor('waits'), sentFor('slow-2')]).toEqual([1, 1, 1]);

  const decided = ['hold.opened', 'hold.voted', 'hold.voted', 'hold.approved'];
  const client = connectClickHouse(clickhouse);
  const query = `SELECT hold_id, groupArray(type) AS types, uniqExact(event_id) AS events
    FROM holdpoint.events WHERE hold_id != '' AND type LIKE 'hold.%' GROUP BY hold_id`;
  type Story = { readonly hold_id: string; readonly types: string[]; readonly events: string };
  const read = async () => (await client.query({ query, format: 'JSONEachRow' })).json<Story>();
  /** Events of one commit have the same time, so their order is arbitrary. */
  const story = (id: string) => stories.find(({ hold_id }) => hold_id === id)!.types.toSorted();
  let stories: Story[] = [];
  await eventually('the end of the story is in ClickHouse', async () => {
    stories = await read();
    return story(sending).includes('hold.indeterminate');
  });
  await client.close();
  for (const { types, events } of stories) expect(types).toHaveLength(Number(events));
  expect(story(left)).toEqual([...decided, 'hold.executed', 'hold.released'].toSorted());
  expect(story(waits)).toEqual([...decided, 'hold.attached', 'hold.executed', 'hold.released'].toSorted());
  expect(story(sending)).toEqual([...decided, 'hold.indeterminate', 'hold.released'].toSorted());
});
