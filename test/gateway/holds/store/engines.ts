import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { inject } from 'vitest';
import type { HoldDatabase } from '../../../../gateway/holds/store/database.ts';
import { migrate } from '../../../../gateway/holds/store/migrations.ts';
import { openPostgres } from '../../../../gateway/holds/store/postgres.ts';
import { createVault } from '../../../../gateway/holds/store/vault.ts';
import { KEY } from '../../../helpers/hold.ts';
import { openSqlite } from '../../../../gateway/holds/store/sqlite.ts';

/** An empty database of its own for one test. */
export type Place = {
  /** As `openHoldStore` takes it. */
  readonly at: { readonly file: string } | { readonly url: string };
  /** Runs a statement behind the store's back. */
  raw(statement: string): Promise<readonly Record<string, unknown>[]>;
  remove(): Promise<void>;
};

export type TestEngine = { readonly name: 'SQLite' | 'PostgreSQL'; place(): Promise<Place> };

async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdpoint-store-'));
  const file = join(folder, 'data', 'holds.sqlite');
  return {
    at: { file },
    async raw(statement) {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      try {
        return database.prepare(statement).all();
      } finally {
        database.close();
      }
    },
    remove: () => rm(folder, { recursive: true }),
  };
}

/** In the server that `test/global-setup.ts` runs, unless another is named. */
export async function postgresPlace(server: string = inject('postgres')): Promise<Place> {
  const name = `holds_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(server);
  url.pathname = `/${name}`;
  const run = async (at: string, statement: string) => {
    const client = new pg.Client({ connectionString: at });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  };
  await run(server, `create database ${name}`);
  return {
    at: { url: url.href },
    raw: (statement) => run(url.href, statement),
    async remove() {
      await run(server, `drop database ${name} with (force)`);
    },
  };
}

/** What holds are kept in. Every test of the store runs on each: `describe.each(engines)('holds in $name', …)`. */
export const engines: readonly TestEngine[] = [
  { name: 'SQLite', place: sqlitePlace },
  { name: 'PostgreSQL', place: () => postgresPlace() },
];

/** The tables in a place, ready to be used without a store around them. */
export async function openDatabase({ at }: Place): Promise<HoldDatabase> {
  const database = 'file' in at ? await openSqlite(at.file, 5) : await openPostgres(at.url, 50);
  await migrate(database, createVault(KEY));
  return database;
}
