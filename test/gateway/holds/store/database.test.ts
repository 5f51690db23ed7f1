import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { migrate, SCHEMA_VERSION } from '../../../../gateway/holds/store/migrations.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { KEY } from '../../../helpers/hold.ts';
import { engines, openDatabase, type Place } from './engines.ts';

/** Longer than a statement waits for a lock in any engine. Milliseconds. */
const LOCKED = 5_500;

describe.each(engines)('a database of holds in $name', (engine) => {
  let place: Place;
  let databases: HoldDatabase[];

  beforeEach(async () => {
    place = await engine.place();
    databases = [];
  });
  afterEach(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await place.remove();
  });

  async function open(): Promise<HoldDatabase> {
    const database = await openDatabase(place);
    databases.push(database);
    return database;
  }

  test('a database gets its tables once, however many start at once', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, open));
    expect(await opened[0]!.db.selectFrom('schema_version').selectAll().execute()).toEqual([
      { version: SCHEMA_VERSION },
    ]);
    expect(await opened[5]!.db.selectFrom('holds').selectAll().execute()).toEqual([]);
  });

  test('a program that starts waits for another one that changes the tables, longer than for any lock', async () => {
    const first = await open();
    const begun = Promise.withResolvers<void>();
    const changing = first.reshape(async (trx) => {
      begun.resolve();
      for (const until = performance.now() + LOCKED; performance.now() < until; await sleep(50))
        await sql`select 1`.execute(trx);
    });
    await begun.promise;
    const second = open();
    await Promise.all([changing, second]);
    expect(await (await second).db.selectFrom('schema_version').selectAll().execute()).toEqual([
      { version: SCHEMA_VERSION },
    ]);
  });

  test('a database of a newer program is refused and left alone', async () => {
    const database = await open();
    await place.raw('update schema_version set version = 99');
    await expect(migrate(database, createVault(KEY))).rejects.toThrow('schema 99');
    expect(await place.raw('select version from schema_version')).toMatchObject([{ version: 99 }]);
  });

  test('a database of a development version is refused with what to do about it', async () => {
    const database = await open();
    await place.raw('update schema_version set version = 1');
    await expect(migrate(database, createVault(KEY))).rejects.toThrow('finish its holds with that version');
  });

  test('a database gives growing numbers to changes', async () => {
    const [one, other] = [await open(), await open()];
    const take = (database: HoldDatabase) => database.db.transaction().execute((trx) => database.nextChange(trx));
    const numbers = [await take(one), await take(other), await take(one)];
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(3);
    expect(await other.settledChange()).toBeGreaterThanOrEqual(numbers[2]!);
  });

  test('a database calls settled only what no transaction can still commit', async () => {
    const [one, other] = [await open(), await open()];
    const write = (database: HoldDatabase) =>
      database.db.transaction().execute(async (trx) => {
        const seq = await database.nextChange(trx);
        await trx.insertInto('outbox').values({ seq, event: '{}' }).execute();
      });
    const upTo = async (settled: number) => {
      const rows = one.db.selectFrom('outbox').select('seq').where('seq', '<=', settled).orderBy('seq');
      return (await rows.execute()).map(({ seq }) => seq);
    };
    const writing = Promise.all(Array.from({ length: 300 }, (_none, index) => write(index % 2 ? one : other)));
    const seen: { settled: number; numbers: number[] }[] = [];
    for (let look = 0; look < 20; look++) {
      const settled = await other.settledChange();
      seen.push({ settled, numbers: await upTo(settled) });
    }
    await writing;
    for (const { settled, numbers } of seen) expect(await upTo(settled)).toEqual(numbers);
    expect(await upTo(await one.settledChange())).toHaveLength(300);
  });

  test('a database lets no other process write while one writes alone', async () => {
    const [one, other] = [await open(), await open()];
    const insert = async (database: HoldDatabase, alone: boolean) =>
      database.db.transaction().execute(async (trx) => {
        const seq = await (alone ? database.nextChangeAlone(trx) : database.nextChange(trx));
        const count = trx.selectFrom('outbox').select((row) => row.fn.countAll<number>().as('count'));
        const before = (await count.executeTakeFirstOrThrow()).count;
        await trx.insertInto('outbox').values({ seq, event: '{}' }).execute();
        const after = (await count.executeTakeFirstOrThrow()).count;
        return { alone, foreign: after - before - 1 };
      });
    const results = await Promise.all(
      Array.from({ length: 60 }, (_none, index) => insert(index % 2 ? one : other, index % 10 === 0)),
    );
    expect(results.filter(({ alone, foreign }) => alone && foreign > 0)).toEqual([]);
    expect(await one.db.selectFrom('outbox').selectAll().execute()).toHaveLength(60);
  });
});
