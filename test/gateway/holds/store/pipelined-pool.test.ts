import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CorkableClient, pipelined } from '../../../../gateway/holds/store/pipelined-pool.ts';
import { postgresPlace, type Place } from './engines.ts';

/** Other processes may be slow on a machine at work. */
const SOON = { timeout: 60_000 };

type Tables = { fruit: { name: string } };

let place: Place;
let db: Kysely<Tables>;

beforeEach(async () => {
  place = await postgresPlace();
  const connectionString = (place.at as { url: string }).url;
  const pool = new pg.Pool({ connectionString, Client: CorkableClient, max: 2, pipeline: true });
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  db = new Kysely({ dialect: new PostgresDialect({ pool: pipelined(pool) }) });
  await sql`create table fruit (name text primary key)`.execute(db);
});
afterEach(async () => {
  await db.destroy();
  await place.remove();
});

const insert = (on: Kysely<Tables>, ...names: string[]) =>
  on
    .insertInto('fruit')
    .values(names.map((name) => ({ name })))
    .execute();
const kept = async () =>
  (await db.selectFrom('fruit').select('name').orderBy('name').execute()).map(({ name }) => name);

test('an insert that was not waited for fails the commit, and nothing is kept', async () => {
  await insert(db, 'apple');
  const work = db.transaction().execute(async (trx) => {
    await insert(trx, 'pear');
    await insert(trx, 'apple');
    await insert(trx, 'plum');
  });
  await expect(work).rejects.toMatchObject({ code: '23505' });
  expect(await kept()).toEqual(['apple']);
});

test('an insert that was not waited for fails the next statement with its own reason', async () => {
  await insert(db, 'apple');
  const after: unknown[] = [];
  const work = db.transaction().execute(async (trx) => {
    await insert(trx, 'apple');
    after.push(await trx.selectFrom('fruit').selectAll().execute());
  });
  await expect(work).rejects.toMatchObject({ code: '23505' });
  expect(after).toEqual([]);
  expect(await kept()).toEqual(['apple']);
});

test('outside of a transaction an insert answers for itself', async () => {
  await insert(db, 'apple');
  await expect(insert(db, 'apple')).rejects.toMatchObject({ code: '23505' });
});

test('an insert that has something to answer is waited for', async () => {
  await insert(db, 'apple');
  const rows = await db.transaction().execute(async (trx) => {
    const { numInsertedOrUpdatedRows } = await trx
      .insertInto('fruit')
      .values({ name: 'apple' })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow();
    return [
      numInsertedOrUpdatedRows,
      await trx.insertInto('fruit').values({ name: 'fig' }).returning('name').execute(),
    ];
  });
  expect(rows).toEqual([0n, [{ name: 'fig' }]]);
});

test('what a transaction wrote before its work failed is gone, and the connection goes on', async () => {
  for (let round = 0; round < 5; round++) {
    const work = db.transaction().execute(async (trx) => {
      await insert(trx, 'apple');
      throw new Error('no more');
    });
    await expect(work).rejects.toThrow('no more');
  }
  await db.transaction().execute((trx) => insert(trx, 'pear'));
  expect(await kept()).toEqual(['pear']);
});

test('a connection that is lost in the middle keeps nothing', async () => {
  const work = db.transaction().execute(async (trx) => {
    await insert(trx, 'apple');
    await place.raw(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    );
    await insert(trx, 'pear');
  });
  await expect(work).rejects.toThrow();
  await expect.poll(() => kept().catch(() => null), SOON).toEqual([]);
});
