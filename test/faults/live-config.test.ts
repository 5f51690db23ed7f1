import { renameSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { hashToken } from '../../gateway/identify/token.ts';
import {
  allowed,
  createPlace,
  eventually,
  held,
  REVIEWER_TOKEN,
  TOKEN,
  type Place,
  type RunningGateway,
  type Sent,
} from '../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';
import { startLoad, type Load } from './load.ts';

const NEW_TOKEN = 'hp_new-token-of-the-bot';
const OTHER_TOKEN = 'hp_token-of-the-other-bot';
const BOT = { id: 'merge-bot', owner: 'ana@example.com', systems: ['github'] };
const OTHER = {
  id: 'other-bot',
  owner: 'ana@example.com',
  token_sha256: hashToken(OTHER_TOKEN),
  systems: ['github'],
};

type Saved = {
  systems: Record<string, object>;
  agents: object[];
  [section: string]: unknown;
};

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;
let original: Saved;

beforeAll(async () => {
  upstream = await startUpstream();
  const operator = { id: 'dora@example.com', token_sha256: hashToken(REVIEWER_TOKEN), groups: ['maintainers'] };
  const agents = [{ ...BOT, token_sha256: hashToken(TOKEN) }, OTHER];
  place = await createPlace(upstream.url, { agents, reviewers: [{ ...operator, roles: ['operator', 'reviewer'] }] });
  original = JSON.parse(readFileSync(place.config, 'utf8')) as Saved;
  gateway = await place.start();
});

afterEach(async () => {
  const isSaved = readFileSync(place.config, 'utf8') === JSON.stringify(original);
  if (isSaved) return;
  await saveAll({});
  // The line that was waited for may have told of the change before.
  await eventually('every worker knows the bot again', async () => {
    const answers = await statuses(() => as(TOKEN, allowed('again')));
    return answers.every((status) => status === 200);
  });
});

afterAll(async () => {
  await gateway?.stop();
  await place?.remove();
  await upstream?.close();
});

const as = (token: string, sent: Sent): Sent => ({ ...sent, headers: { authorization: `Bearer ${token}` } });

/** Saves as editors do: a new file in place of the old one. */
function save(text: string): void {
  writeFileSync(`${place.config}.new`, text);
  renameSync(`${place.config}.new`, place.config);
}

/** Saves a changed configuration; resolves once every worker serves calls under it. */
async function saveAll(change: Partial<Saved>): Promise<void> {
  const before = gateway.log.filter(isInForce).length;
  save(JSON.stringify({ ...original, ...change }));
  await eventually('the saved configuration is in force', () => gateway.log.filter(isInForce).length > before);
}

const isInForce = ({ msg }: { readonly msg: string }) => msg === 'configuration in force on all workers';

/** Calls on a new connection each, so that all workers get some. */
async function statuses(sent: (n: number) => Sent): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => gateway.call(sent(n))));
  return [...new Set(answers.map(({ status }) => status))];
}

/** Whether every worker refuses a token: with 401, and with 429 after many. */
async function isRefused(token: string, sent: Sent): Promise<boolean> {
  return (await statuses(() => as(token, sent))).every((status) => status === 401 || status === 429);
}

/** A load of another agent, none of whose calls may fail. */
const startOthers = (): Load =>
  startLoad(gateway.url, (n) => as(OTHER_TOKEN, allowed(`load-${n}`)), { connections: 6 });

async function expectNoneFailed(load: Load): Promise<void> {
  await load.more(20);
  const outcomes = await load.stop();
  expect(outcomes.filter(({ answer }) => answer?.status !== 200)).toEqual([]);
}

const config = async () => (await gateway.admin({ path: '/api/config' })).json<Record<string, unknown>>();

test('a rotated token is in force on every worker without a failed call, and both tokens are valid meanwhile', async () => {
  const others = startOthers();
  const rotating = startLoad(gateway.url, (n) => as(TOKEN, allowed(`old-${n}`)), { connections: 2 });
  await others.more(20);
  expect(await isRefused(NEW_TOKEN, allowed('new'))).toBe(true);

  await saveAll({ agents: [{ ...BOT, token_sha256: [hashToken(NEW_TOKEN), hashToken(TOKEN)] }, OTHER] });
  expect(await statuses(() => as(NEW_TOKEN, allowed('new')))).toEqual([200]);
  await expectNoneFailed(rotating);

  await saveAll({ agents: [{ ...BOT, token_sha256: hashToken(NEW_TOKEN) }, OTHER] });
  expect(await statuses(() => as(NEW_TOKEN, allowed('new')))).toEqual([200]);
  expect(await isRefused(TOKEN, allowed('old'))).toBe(true);
  await expectNoneFailed(others);
});

test('a system that is added serves calls, and one that is removed does not, without a failed call of others', async () => {
  const added = await startUpstream();
  try {
    const others = startOthers();
    await others.more(20);
    const credential = { header: 'authorization', value: 'Bearer second' };
    const systems = { ...original.systems, payments: { upstream: added.url, credential } };
    await saveAll({
      systems,
      agents: [{ ...BOT, token_sha256: hashToken(TOKEN), systems: ['github', 'payments'] }, OTHER],
    });
    expect(await statuses((n) => as(TOKEN, { path: `/payments/v1/charges/ch_${n}` }))).toEqual([200]);
    expect(added.received[0]?.headers.authorization).toBe('Bearer second');

    await saveAll({});
    expect(await statuses(() => as(TOKEN, { path: '/payments/v1/charges/ch_1' }))).toEqual([404]);
    await expectNoneFailed(others);
  } finally {
    await added.close();
  }
});

test('a rotated credential is sent from then on, and an approved call gets the one of its release', async () => {
  const others = startOthers();
  const waiting = gateway.call(held('rotated'));
  const id = await gateway.holdOf('rotated');
  const github = { upstream: upstream.url, credential: { header: 'authorization', value: 'Bearer rotated' } };
  await saveAll({ systems: { github } });
  const from = upstream.received.length;
  expect(await statuses((n) => as(TOKEN, allowed(`rotated-${n}`)))).toEqual([200]);
  await gateway.approve(id);
  expect((await waiting).status).toBe(200);
  await expectNoneFailed(others);
  const sent = upstream.received.slice(from).filter(({ url }) => url.includes('/rotated'));
  expect(sent.length).toBe(31);
  expect(new Set(sent.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer rotated']));
});

test('a removed agent loses its calls and its holds at once, and no other agent a call', async () => {
  const others = startOthers();
  const waiting = gateway.call(held('removed'));
  const id = await gateway.holdOf('removed');
  await saveAll({ agents: [OTHER] });
  expect((await waiting).json()).toMatchObject({
    code: 'superseded',
    hold_id: id,
    detail: expect.stringContaining('the agent merge-bot left the configuration'),
  });
  expect(await isRefused(TOKEN, allowed('removed'))).toBe(true);
  await expectNoneFailed(others);
});

test('a hold at a system whose upstream changed is superseded, as its approval would send it elsewhere', async () => {
  const waiting = gateway.call(held('moved'));
  await gateway.holdOf('moved');
  const elsewhere = await startUpstream();
  try {
    await saveAll({ systems: { github: { upstream: elsewhere.url } } });
    expect((await waiting).json()).toMatchObject({
      code: 'superseded',
      detail: expect.stringContaining('the configuration of the system github changed'),
    });
    expect(elsewhere.received).toEqual([]);
  } finally {
    await elsewhere.close();
  }
});

test('a broken configuration changes nothing, and log, API, metric and event say why without a value', async () => {
  expect(await config()).toMatchObject({ needs_restart: [], refused: null });
  expect(await gateway.metric('holdpoint_config_in_force')).toBe(1);
  const others = startOthers();
  save(`${JSON.stringify({ ...original, agents: [{ ...BOT, token_sha256: 'secret-value' }] }, null, 2)}\n`);
  const logged = await gateway.logged(({ msg }) => msg.startsWith('the saved configuration is invalid'));
  expect(logged).toMatchObject({ level: 'error', by: 'file' });
  expect(logged['problems']).toEqual([expect.stringMatching(/^line \d+: agents\.0\.token_sha256: expected/)]);
  await eventually('the API tells', async () => (await config())['refused'] !== null);
  expect(await config()).toMatchObject({ refused: { reasons: logged['problems'] } });
  expect(await gateway.metric('holdpoint_config_in_force')).toBe(0);
  expect(await gateway.metric('holdpoint_config_changes_total', 'result="refused"')).toBe(1);

  save('systems: { github: { upstream: "secret-value }');
  await gateway.logged(({ problems }) => JSON.stringify(problems)?.includes('line 1: Missing') ?? false);
  expect(await statuses((n) => as(TOKEN, allowed(`broken-${n}`)))).toEqual([200]);
  await expectNoneFailed(others);

  save(JSON.stringify(original));
  await eventually('the API tells that all is well', async () => (await config())['refused'] === null);
  expect(await gateway.metric('holdpoint_config_in_force')).toBe(1);
  expect(gateway.output()).not.toContain('secret-value');
});

test('what needs a restart is named and changes nothing, and the rest of the same file is in force', async () => {
  await saveAll({
    workers: 1,
    node: 'renamed',
    agents: [{ ...BOT, token_sha256: hashToken(NEW_TOKEN) }, OTHER],
  });
  const warned = await gateway.logged(({ msg }) => msg === 'these saved changes need a restart');
  expect(warned['fields']).toEqual(['node', 'workers']);
  expect(await config()).toMatchObject({ needs_restart: ['node', 'workers'], refused: null });
  expect(await statuses(() => as(NEW_TOKEN, allowed('new')))).toEqual([200]);
  expect((await gateway.pids()).workers.length).toBe(2);
});

test('SIGHUP reads the configuration at once, and callers that wait for reviewers wait on (traefik/traefik#1660)', async () => {
  const waiting = gateway.call(held('waits'));
  const id = await gateway.holdOf('waits');
  const { workers, control, clickhouse } = await gateway.pids();
  // A terminal that closes sends it to every process.
  for (const pid of [...workers, control!, clickhouse!]) process.kill(pid, 'SIGHUP');
  save(
    JSON.stringify({
      ...original,
      agents: [{ ...BOT, token_sha256: [hashToken(NEW_TOKEN), hashToken(TOKEN)] }, OTHER],
    }),
  );
  const before = gateway.log.filter(isInForce).length;
  gateway.child.kill('SIGHUP');
  await gateway.logged(({ msg, by }) => msg === 'the configuration changed' && by === 'signal');
  await eventually('the saved configuration is in force', () => gateway.log.filter(isInForce).length > before);
  expect(await statuses(() => as(NEW_TOKEN, allowed('new')))).toEqual([200]);
  await gateway.approve(id);
  expect((await waiting).status).toBe(200);
  expect(await gateway.pids()).toEqual({ workers, control, clickhouse });
});

test('a worker that starts again serves calls under the configuration in force, not the broken one in the file', async () => {
  await saveAll({ agents: [{ ...BOT, token_sha256: hashToken(NEW_TOKEN) }, OTHER] });
  save('broken');
  await gateway.logged(({ msg }) => msg.startsWith('the saved configuration is invalid'));
  const { workers, control } = await gateway.pids();
  for (const pid of [...workers, control!]) process.kill(pid, 'SIGKILL');
  await eventually('all processes run again', async () => {
    const now = await gateway.pids();
    return now.workers.length === 2 && now.control !== null && now.control !== control;
  });
  await eventually('calls are served', async () => {
    const answers = await statuses(() => as(NEW_TOKEN, allowed('new')));
    return answers.length === 1 && answers[0] === 200;
  });
  await eventually('control tells it again', async () => (await gateway.admin({ path: '/api/config' })).status === 200);
  expect(await config()).toMatchObject({ refused: { reasons: [expect.stringContaining('the file')] } });
});

test('each change is an event that names its fields and what made the gateway read them, and holds no value', async () => {
  await saveAll({ agents: [{ ...BOT, token_sha256: hashToken(NEW_TOKEN) }, OTHER], log: 'debug' });
  save(JSON.stringify({ ...original, systems: {} }));
  await gateway.logged(({ problems }) => JSON.stringify(problems)?.includes('agents.0.systems.0') ?? false);
  await saveAll({});
  await gateway.caughtUp();
  await gateway.stop();
  const events = await place.query<{ type: string }>(
    `SELECT type, channel, changes, reason, actor_kind FROM holdpoint.events WHERE type LIKE 'config.%' ORDER BY at DESC LIMIT 3`,
  );
  expect(events.toReversed().slice(0, 2)).toEqual([
    {
      type: 'config.changed',
      channel: 'file',
      changes: ['agents.merge-bot.token_sha256', 'log'],
      reason: '',
      actor_kind: 'gateway',
    },
    {
      type: 'config.refused',
      channel: 'file',
      changes: [],
      reason: expect.stringContaining('agents.0.systems.0: expected one of the systems'),
      actor_kind: 'gateway',
    },
  ]);
});
