/**
 * How fast the record reaches the embedded ClickHouse. `node bench/audit/ship.ts [events]`: a backlog, delivered as fast as
 * it goes. `node bench/audit/ship.ts soak [seconds] [calls a second]`: journals that are written and delivered at once.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { openJournal } from '../../audit/journal/journal.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { createShipper, type Shipper } from '../../audit/ship/shipper.ts';
import { startEmbedded, type Embedded } from '../../audit/clickhouse/start-embedded.ts';
import type { Event } from '../../gateway/domain/event.ts';
import { createId } from '../../gateway/domain/id.ts';

const SIGNER = createSigner(generateKeyPairSync('ed25519').privateKey);
/** Journals that are written at once in a soak, as by so many workers. */
const JOURNALS = 2;
/** Milliseconds from one query to the next while a backlog is delivered. */
const QUERY_EVERY = 1000;

type Bench = {
  readonly dir: string;
  readonly embedded: Embedded;
  readonly client: ClickHouseClient;
  readonly shipper: Shipper;
};

export type Backlog = {
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  /** Peak resident memory, in MB: of the engine, and of this process (which also wrote the journal). */
  readonly engineMb: number;
  readonly ownMb: number;
  /** Milliseconds of CPU for 10,000 events: what the figure above comes to where cores are free. */
  readonly engineCpu: number;
  readonly ownCpu: number;
  /** Milliseconds of a count over all events, median: while the backlog is delivered, and afterwards. */
  readonly queryDuring: number;
  readonly queryAfter: number;
};

/** Delivers a journal of so many events that was there before. */
export async function backlog(events: number): Promise<Backlog> {
  return await withBench(async ({ dir, embedded, client, shipper }) => {
    const journal = await openJournal({ dir: join(dir, 'worker-1'), node: 'bench', signer: SIGNER, limit: 2 ** 40 });
    for (let n = 0; n < events; n += 2) {
      for (const event of callOf(n)) journal.append(event);
      if (n % 2000 === 0) await journal.flushed();
    }
    await journal.close();

    const before = [await cpuOf(embedded.child.pid!), process.cpuUsage()] as const;
    const started = performance.now();
    const during: number[] = [];
    shipper.start();
    while ((await shipped(shipper)) < events) {
      if (performance.now() - started > (during.length + 1) * QUERY_EVERY) during.push(await timeOf(client));
      await pause(20);
    }
    const seconds = (performance.now() - started) / 1000;
    const own = process.cpuUsage(before[1]);
    const engine = (await cpuOf(embedded.child.pid!)) - before[0];
    await check(client, events);
    const after: number[] = [];
    for (let n = 0; n < 10; n++) after.push(await timeOf(client));
    return {
      events,
      seconds,
      eventsPerSecond: Math.round(events / seconds),
      engineMb: await peakOf(embedded.child.pid!),
      ownMb: await peakOf(process.pid),
      engineCpu: Math.round((engine / events) * 10_000),
      ownCpu: Math.round(((own.user + own.system) / 1000 / events) * 10_000),
      queryDuring: median(during),
      queryAfter: median(after),
    };
  });
}

export type Soak = {
  readonly seconds: number;
  readonly calls: number;
  /** Calls that were really offered in a second: where cores are short it is less than was asked for. */
  readonly callsPerSecond: number;
  readonly refused: number;
  /** Seconds since the oldest undelivered event: most, and at the end of each tenth of the time. */
  readonly longestLag: number;
  readonly lags: readonly number[];
  /** Most bytes that waited. */
  readonly mostBehind: number;
  readonly engineMb: number;
  readonly ownMb: number;
  /** Active parts of `holdpoint.events`, at most. */
  readonly parts: number;
};

/** Writes so many calls a second into journals, two events each, while they are delivered; then counts them. */
export async function soak(seconds: number, rate = 20_000): Promise<Soak> {
  return await withBench(async ({ dir, embedded, client, shipper }) => {
    const journals = await Promise.all(
      Array.from({ length: JOURNALS }, (_, n) =>
        openJournal({ dir: join(dir, `worker-${n + 1}`), node: 'bench', signer: SIGNER, limit: 2 ** 33 }),
      ),
    );
    shipper.start();
    const started = performance.now();
    const lags: number[] = [];
    let [calls, refused, longestLag, mostBehind, parts] = [0, 0, 0, 0, 0];
    let measuring: Promise<void> | null = null;
    async function measure(): Promise<void> {
      const { sources } = await shipper.status();
      longestLag = Math.max(longestLag, ...sources.map(({ lag }) => lag ?? 0));
      mostBehind = Math.max(
        mostBehind,
        sources.reduce((sum, { behind }) => sum + (behind.bytes ?? 0), 0),
      );
      if (performance.now() - started > ((lags.length + 1) * seconds * 1000) / 10) {
        lags.push(Math.max(...sources.map(({ lag }) => lag ?? 0)) / 1000);
        parts = Math.max(parts, await partsOf(client));
      }
    }
    for (let elapsed = 0; elapsed < seconds * 1000; elapsed = performance.now() - started) {
      for (const due = (rate * elapsed) / 1000; calls < due; calls++) {
        const journal = journals[calls % JOURNALS]!;
        try {
          for (const event of callOf(calls * 2)) journal.append(event);
        } catch {
          refused++;
        }
      }
      measuring ??= measure().finally(() => (measuring = null));
      await pause(5);
    }
    const offered = performance.now() - started;
    await measuring;
    await Promise.all(journals.map((journal) => journal.close()));
    while ((await shipped(shipper)) < calls * 2) await pause(100);
    await check(client, calls * 2);
    return {
      seconds,
      calls,
      callsPerSecond: Math.round((calls / offered) * 1000),
      refused,
      longestLag: longestLag / 1000,
      lags,
      mostBehind,
      engineMb: await peakOf(embedded.child.pid!),
      ownMb: await peakOf(process.pid),
      parts,
    };
  });
}

async function withBench<T>(work: (bench: Bench) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-ship-'));
  const dir = join(folder, 'journal');
  const embedded = await startEmbedded({ path: join(folder, 'clickhouse') });
  const client = connectClickHouse(embedded);
  try {
    await migrate(client);
    const shipper = await createShipper({ dir, client, onReport: (report) => console.error(report) });
    try {
      return await work({ dir, embedded, client, shipper });
    } finally {
      await shipper.stop();
    }
  } finally {
    await client.close();
    const exited = once(embedded.child, 'exit');
    embedded.child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true });
  }
}

/** The two events of an allowed call, as a worker writes them. */
function callOf(n: number): readonly Event[] {
  const at = Date.now();
  const common = {
    at,
    node: 'bench',
    decision_id: createId('dec'),
    call_id: createId('call'),
    agent: `agent-${n % 20}`,
    owner: `owner-${n % 5}@example.com`,
    system: 'payments',
    operation: 'createPayment',
    method: 'POST',
    path: `/v1/accounts/${n % 1000}/payments`,
    resource: `payment/${n}`,
    verdict: 'allow',
    rules: ['payments/small'],
    policy_revision: '3f2a9c1e',
    actor: `agent-${n % 20}`,
    actor_kind: 'agent',
    channel: 'agent',
  } as const;
  return [
    {
      ...common,
      event_id: createId('evt'),
      type: 'call.decided',
      layer: 'decide',
      trigger: 'rule',
      reason: 'Payments below the limit go through.',
      decide_us: 40 + (n % 17),
      request_bytes: 330,
      input: JSON.stringify({ amount: n % 10_000, currency: 'EUR', to: `DE${n}` }),
    },
    {
      ...common,
      event_id: createId('evt'),
      type: 'call.completed',
      layer: 'record',
      status: 200,
      upstream_ms: 10 + (n % 30),
      took_ms: 12 + (n % 30),
      response_bytes: 900,
    },
  ];
}

async function check(client: ClickHouseClient, events: number): Promise<void> {
  const [counts] = await rows<Record<string, number>>(
    client,
    `SELECT toUInt64(count()) AS events, toUInt64(uniqExact(chain, seq)) AS numbers,
      (SELECT sum(calls + completed) FROM holdpoint.minutes) AS steps FROM holdpoint.events`,
  );
  const wrong = Object.entries(counts!).filter(([, count]) => Number(count) !== events);
  if (wrong.length > 0) throw new Error(`${events} events were written; ClickHouse has ${JSON.stringify(counts)}`);
}

async function timeOf(client: ClickHouseClient): Promise<number> {
  const started = performance.now();
  await rows(client, 'SELECT agent, count(), uniq(call_id) FROM holdpoint.events GROUP BY agent');
  return performance.now() - started;
}

async function partsOf(client: ClickHouseClient): Promise<number> {
  const query = `SELECT count() AS parts FROM system.parts WHERE active AND database = 'holdpoint' AND table = 'events'`;
  return Number((await rows<{ parts: string }>(client, query))[0]!.parts);
}

async function rows<Row>(client: ClickHouseClient, query: string): Promise<Row[]> {
  return await (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
}

async function shipped(shipper: Shipper): Promise<number> {
  return (await shipper.status()).sources.reduce((sum, source) => sum + source.shipped, 0);
}

/** Milliseconds of CPU that the process has used. The kernel counts in hundredths of a second (`sysconf(_SC_CLK_TCK)`). */
async function cpuOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function peakOf(pid: number): Promise<number> {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024);
}

function median(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}

if (import.meta.main) {
  const [kind, first, second] = process.argv.slice(2);
  console.log(
    kind === 'soak'
      ? await soak(Number(first ?? 60), Number(second ?? 20_000))
      : await backlog(Number(kind ?? 500_000)),
  );
}
