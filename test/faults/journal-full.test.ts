import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import {
  allowed,
  createPlace,
  eventually,
  freePort,
  runMain,
  type Place,
  type RunningGateway,
} from '../helpers/gateway.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const password = 'password-of-the-test';
const LIMIT = 16 * 1024;

let upstream: Upstream;
const places: Place[] = [];
const folders: { remove(): void }[] = [];

beforeAll(async () => {
  upstream = await startUpstream();
});

afterAll(async () => {
  for (const place of places) await place.remove();
  await upstream.close();
  for (const folder of folders) folder.remove();
});

/** A gateway with a small journal. ClickHouse is not there before `startEngine`. */
async function startCramped(journal: object): Promise<{
  place: Place;
  gateway: RunningGateway;
  startEngine(): Promise<Awaited<ReturnType<typeof startEmbedded>>>;
}> {
  const port = await freePort();
  const folder = tempFolder();
  folders.push(folder);
  const place = await createPlace(upstream.url, {
    journal: { limit: `${LIMIT}B`, ...journal },
    workers: 1,
    clickhouse: { url: `http://127.0.0.1:${port}`, username: 'holdpoint', password },
  });
  places.push(place);
  return {
    place,
    gateway: await place.start(),
    startEngine: () => startEmbedded({ path: folder.path, port, password }),
  };
}

type Shown = {
  journals: { name: string; last: number; shipped: number; waiting: { rows: number }; damaged: string[] }[];
  poison: number;
};

async function shown(place: Place): Promise<Shown['journals'][number]> {
  const { code, stdout } = await runMain('journal', '--config', place.config, '--json');
  expect(code).toBe(0);
  const report = JSON.parse(stdout) as Shown;
  expect(report.poison).toBe(0);
  return report.journals.find(({ name }) => name === 'worker-0')!;
}

async function rowsOf<Row>(engine: Parameters<typeof connectClickHouse>[0], query: string): Promise<Row[]> {
  const client = connectClickHouse(engine);
  const rows = await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  await client.close();
  return rows;
}

test('a gateway with a full journal refuses calls and does not send them, until ClickHouse has taken its events', async () => {
  const { place, gateway, startEngine } = await startCramped({});
  // Without ClickHouse, the journal fills up.
  let calls = 0;
  let refused;
  await eventually('the journal is full', async () => {
    refused = await gateway.call(allowed(`call-${calls++}`));
    return refused.status !== 200;
  });
  expect(refused!.json()).toMatchObject({ status: 503, code: 'journal-unavailable' });

  const reached = upstream.received.length;
  for (let i = 0; i < 20; i++) {
    expect((await gateway.call(allowed(`refused-${i}`))).json()).toMatchObject({ code: 'journal-unavailable' });
  }
  expect(upstream.received).toHaveLength(reached);
  expect((await gateway.call({ path: '/github/repos/acme/one' })).status).toBe(503);
  expect(upstream.received).toHaveLength(reached);

  expect(await gateway.metric('holdpoint_journal_full', 'journal="worker-0"')).toBe(1);
  expect(await gateway.metric('holdpoint_journal_bytes', 'journal="worker-0"')).toBeLessThanOrEqual(LIMIT);
  const full = await shown(place);
  expect(full).toMatchObject({ shipped: 0, waiting: { rows: full.last }, damaged: [] });
  expect((await runMain('journal', '--config', place.config)).stdout).toMatch(/^JOURNAL .*\n.*\nworker-0 /);

  const engine = await startEngine();
  await eventually('calls are taken again', async () => (await gateway.call(allowed('again'))).status === 200);
  expect(upstream.received.map(({ url }) => url)).not.toContainEqual(expect.stringContaining('/refused-'));

  await gateway.caughtUp();
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  expect(await shown(place)).toMatchObject({ waiting: { rows: 0 } });
  const query = "SELECT path FROM holdpoint.events WHERE type = 'call.decided'";
  const decided = (await rowsOf<{ path: string }>(engine, query)).map(({ path }) => path);
  engine.child.kill('SIGKILL');
  expect(upstream.received.filter(({ url }) => !decided.includes(url))).toEqual([]);
  // Calls that the full journal refused may be recorded, but never twice, and they are never forwarded.
  expect(new Set(decided).size).toBe(decided.length);
});

test('a full journal that may shed lets allowed reads through, counts them, and refuses all other calls', async () => {
  const { gateway, startEngine } = await startCramped({ when_full: 'drop-reads' });
  const readable = { path: '/github/repos/acme/one' };
  const shed = () => gateway.metric('holdpoint_journal_shed_total', 'journal="worker-0"');
  let reads = 0;
  await eventually('the journal sheds', async () => {
    expect((await gateway.call(readable)).status).toBe(200);
    reads += 1;
    return (await shed()) > 0;
  });
  const reached = upstream.received.length;
  const blocked = await gateway.call({ method: 'DELETE', path: '/github/repos/acme/one' });
  expect(blocked.json()).toMatchObject({ code: 'journal-unavailable' });
  expect((await gateway.call(allowed('write'))).json()).toMatchObject({ code: 'journal-unavailable' });
  expect(upstream.received).toHaveLength(reached);
  for (let n = 0; n < 10; n++) expect((await gateway.call(readable)).status).toBe(200);
  reads += 10;

  const engine = await startEngine();
  await eventually('calls are taken again', async () => (await gateway.call(allowed('again'))).status === 200);
  expect(await gateway.stop()).toMatchObject({ code: 0 });
  const [told] = await rowsOf<{ told: string }>(
    engine,
    "SELECT sum(toUInt64(extract(reason, '^[0-9]+'))) AS told FROM holdpoint.events WHERE type = 'journal.shed'",
  );
  const [kept] = await rowsOf<{ kept: string }>(
    engine,
    "SELECT count() AS kept FROM holdpoint.events WHERE verdict = 'allow' AND method = 'GET'",
  );
  engine.child.kill('SIGKILL');
  // The decision and the end of each read are recorded or counted.
  expect(Number(told!.told) + Number(kept!.kept)).toBe(reads * 2);
});
