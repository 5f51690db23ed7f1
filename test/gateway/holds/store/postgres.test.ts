import { inspect } from 'node:util';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Hold } from '../../../../gateway/domain/hold.ts';
import { openHoldStore } from '../../../../gateway/holds/store/store.ts';
import { startPostgres, type PostgresServer } from '../../../helpers/postgres.ts';
import { draft, KEY } from '../../../helpers/hold.ts';
import { openDatabase, postgresPlace } from './engines.ts';
import { approve, executed, must, release, useStores } from './stores.ts';

/** Other processes may be slow on a machine at work. */
const SOON = { timeout: 60_000 };

const unavailable = { code: 'store-unavailable' };

describe('gateways on one PostgreSQL', () => {
  const stores = useStores({ name: 'PostgreSQL', place: () => postgresPlace() });

  /** Ends every connection to the database from the server's side, as a restart or a network would. */
  const cutOff = () =>
    stores.place.raw(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );

  test('gateways wake each other by notifications alone', async () => {
    const [one, other] = [
      await stores.open({ pollInterval: 3_600_000 }),
      await stores.open({ pollInterval: 3_600_000 }),
    ];
    const seen: Hold[] = [];
    one.holds.watch((hold) => seen.push(hold));
    expect(await one.holds.find('hold_none')).toBeNull();
    const { hold } = await other.holds.open(draft(500));
    await expect.poll(() => seen.at(-1), SOON).toMatchObject({ id: hold.id, status: 'pending' });
    await must(other.holds.apply(hold.id, approve()));
    await expect.poll(() => seen.at(-1), SOON).toMatchObject({ id: hold.id, status: 'approved' });
  });

  test('gateways find what was not announced', async () => {
    const [one, other] = [await stores.open({ pollInterval: 20 }), await stores.open()];
    const seen: Hold[] = [];
    const { hold } = await other.holds.open(draft(500));
    one.holds.watch((changed) => seen.push(changed));
    await one.holds.find(hold.id);
    // As a process leaves it that is killed between its commit and its notification.
    const database = await openDatabase(stores.place);
    await database.db.transaction().execute(async (trx) => {
      const change = await database.nextChange(trx);
      const document = JSON.stringify({ ...hold, reason: 'changed' });
      await trx.updateTable('holds').set({ change, document }).where('id', '=', hold.id).execute();
    });
    await database.close();
    await expect.poll(() => seen.at(-1)?.reason, SOON).toBe('changed');
  });

  test('gateways refuse while the connection is lost, and go on once it is back', async () => {
    const store = await stores.open({ pollInterval: 3_600_000 });
    const seen: Hold[] = [];
    store.holds.watch((hold) => seen.push(hold));
    const { hold } = await store.holds.open(draft(500));
    await must(store.holds.apply(hold.id, approve()));
    await must(store.holds.apply(hold.id, release));
    await cutOff();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => store.holds.find(hold.id)));
    const codes = asked.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : null));
    expect(codes.filter((code) => code !== null && code !== unavailable.code)).toEqual([]);
    await expect
      .poll(async () => (await store.holds.apply(hold.id, executed).catch(() => null)) !== null, SOON)
      .toBe(true);
    expect(await store.holds.find(hold.id)).toMatchObject({ execution: 'executed' });
    const other = await stores.open();
    const { hold: next } = await other.holds.open(draft(501));
    await expect.poll(() => seen.some(({ id }) => id === next.id), SOON).toBe(true);
  });

  test('gateways keep every event in the outbox in order, and none is passed over by a reader that forgets meanwhile', async () => {
    const [one, other, reader] = [await stores.open(), await stores.open(), await stores.open()];
    let unit = true;
    const seen: { seq: number; id: string }[] = [];
    const reading = (async () => {
      for (let last = false; ;) {
        const rows = await reader.outbox.read(seen.at(-1)?.seq ?? 0, 7);
        seen.push(...rows.map(({ seq, event }) => ({ seq, id: event.hold_id! })));
        const through = rows.at(-1)?.seq;
        if (through !== undefined) await reader.outbox.forget(through);
        else if (last) return;
        else last = !unit;
      }
    })();
    const opened = await Promise.all(
      Array.from({ length: 200 }, (_none, index) => (index % 2 ? one : other).holds.open(draft(index + 1))),
    );
    unit = false;
    await reading;
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(seen.map(({ id }) => id).toSorted()).toEqual(opened.map(({ hold }) => hold.id).toSorted());
  });

  test('gateways record what happens to a hold in its order, however many change it', async () => {
    const [one, other, reader] = [await stores.open(), await stores.open(), await stores.open()];
    for (let round = 1; round <= 15; round++) {
      const { hold } = await one.holds.open(draft(round, { idempotencyKey: `k${round}` }));
      await Promise.all([
        one.holds.open(draft(round, { idempotencyKey: `k${round}`, handle: true })),
        other.holds.apply(hold.id, approve()),
        other.holds.open(draft(round, { idempotencyKey: `k${round}`, handle: true })),
        one.holds.apply(hold.id, { type: 'cancel', by: 'billing-bot', as: 'agent', channel: null, reason: null }),
      ]);
      const end = (await reader.holds.find(hold.id))!.status;
      const story = (await reader.outbox.read(0, 1000)).filter(({ event }) => event.hold_id === hold.id);
      const types = story.map(({ event }) => event.type);
      expect(types[0]).toBe('hold.opened');
      expect(types.filter((type) => type === `hold.${end}`)).toHaveLength(1);
      expect(types.filter((type) => type === 'hold.approved' || type === 'hold.cancelled')).toHaveLength(1);
      await reader.outbox.forget(story.at(-1)!.seq);
    }
  });

  test('gateways deliver the outbox one at a time, and agree on how far it is', async () => {
    const [one, other] = [await stores.open(), await stores.open()];
    const [mine, theirs] = [one.outbox.delivery!, other.outbox.delivery!];
    expect(mine.home).toBe(theirs.home);
    expect(await mine.load()).toEqual({ version: 0, state: null });
    expect([await mine.lead(), await theirs.lead(), await mine.lead()]).toEqual([true, false, true]);
    expect(await mine.save(0, '{"at":1}')).toBe(true);
    expect(await theirs.save(0, '{"at":2}')).toBe(false);
    expect(await theirs.load()).toEqual({ version: 1, state: '{"at":1}' });
    await cutOff();
    await expect.poll(() => theirs.lead().catch(() => false), SOON).toBe(true);
    expect(await mine.lead().catch(() => false)).toBe(false);
    await other.close();
    await expect.poll(() => mine.lead().catch(() => false), SOON).toBe(true);
  });

  test('gateways beat by the clock of the database, and hear of each other', async () => {
    const [one, other] = [await stores.open(), await stores.open()];
    await one.runs.beat('run_1');
    await other.runs.beat('run_2');
    expect(await one.runs.live()).toEqual(['run_1', 'run_2']);
    await stores.place.raw(`update runs set seen_at = seen_at - 3600000 where run = 'run_1'`);
    expect(await one.runs.live()).toEqual(['run_2']);
  });

  test('gateways see in a transaction what was committed while it waited, whatever the server likes best', async () => {
    await stores.place.raw(
      `do $$ begin execute format('alter database %I set default_transaction_isolation = serializable', current_database()); end $$`,
    );
    const database = await openDatabase(stores.place);
    const { rows } = await database.db
      .transaction()
      .execute((trx) => sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(trx));
    expect(rows).toEqual([{ level: 'read committed' }]);
    await database.close();
  });
});

describe('a server that is not there', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.stop());

  const open = (url: string) =>
    openHoldStore({ url, key: KEY, node: 'test', reviewers: [], compose: () => [], pollInterval: 20 });

  test('a server that is not there at the start is named without the password', async () => {
    const url = new URL(inject('postgres'));
    url.port = '1';
    const error: Error = await open(url.href).then(
      () => new Error('opened'),
      (error: Error) => error,
    );
    expect(error.message).toMatch(/^the holds database 127\.0\.0\.1:1\/postgres cannot be used: .*ECONNREFUSED/);
    expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/p@ss|p%40ss/);
  });

  test('a server that is not there, or refuses the login, or has a name that cannot be read, tells no password either', async () => {
    const wrong = new URL(inject('postgres'));
    wrong.password = 'marker-secret';
    for (const url of [wrong.href, 'postgres//tester:marker-secret@127.0.0.1/x', 'postgres://u:marker-secret@[::1/x']) {
      const error: unknown = await open(url).catch((error: unknown) => error);
      expect(error).toBeInstanceOf(Error);
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('marker-secret');
    }
  });

  test('a server that is not there for a while lets nothing pass, loses nothing, and is found again', async () => {
    const place = await postgresPlace(server.url);
    const store = await open((place.at as { url: string }).url);
    const seen: Hold[] = [];
    store.holds.watch((hold) => seen.push(hold));
    const { hold } = await store.holds.open(draft(500));
    await must(store.holds.apply(hold.id, approve()));
    await server.halt();
    await expect(store.holds.open(draft(501))).rejects.toMatchObject(unavailable);
    await expect(store.holds.open(draft(500))).rejects.toMatchObject(unavailable);
    await expect(store.holds.apply(hold.id, release)).rejects.toMatchObject(unavailable);
    await expect(store.outbox.read(0, 10)).rejects.toMatchObject(unavailable);
    await server.start();
    await expect
      .poll(() => store.holds.find(hold.id).catch(() => null))
      .toMatchObject({ status: 'approved', execution: 'none' });
    await must(store.holds.apply(hold.id, release));
    await expect.poll(() => seen.at(-1)?.execution, SOON).toBe('releasing');
    await store.close();
    await place.remove();
  });
});
