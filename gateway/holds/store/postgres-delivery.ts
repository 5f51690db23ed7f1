import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type pg from 'pg';
import type { OutboxDelivery } from '../../domain/outbox.ts';
import type { Schema } from './schema.ts';

/**
 * The outbox's delivery, led by the process that holds an advisory lock. It is the lock of a connection that does nothing else:
 * it ends with the process, however that ends, and with the connection.
 */
export function leadDelivery(
  db: Kysely<Schema>,
  connect: () => pg.Client,
  [space, lock]: readonly [number, number],
): { open(): Promise<OutboxDelivery>; close(): void } {
  let client: pg.Client | null = null;
  let connecting: Promise<pg.Client> | null = null;

  async function connected(): Promise<pg.Client> {
    const made = connect();
    made.on('error', () => {});
    made.once('end', () => {
      if (client === made) client = null;
    });
    await made.connect();
    client = made;
    return made;
  }

  return {
    async open() {
      const { home } = await db.selectFrom('delivery').select('home').where('id', '=', 1).executeTakeFirstOrThrow();
      return {
        home,
        async lead() {
          connecting ??= client ? null : connected().finally(() => (connecting = null));
          const session = client ?? (await connecting)!;
          // Taken once more by who has it: the server then answers only over a connection that is still alive.
          const { rows } = await session.query<{ leads: boolean }>('select pg_try_advisory_lock($1, $2) as leads', [
            space,
            lock,
          ]);
          return rows[0]!.leads;
        },
        async load() {
          const kept = db.selectFrom('delivery').select(['version', 'state']).where('id', '=', 1);
          return await kept.executeTakeFirstOrThrow();
        },
        async save(version, state) {
          const { numUpdatedRows } = await db
            .updateTable('delivery')
            .set({ version: sql<number>`version + 1`, state })
            .where('id', '=', 1)
            .where('version', '=', version)
            .executeTakeFirst();
          return numUpdatedRows === 1n;
        },
      };
    },
    close() {
      void client?.end().catch(() => {});
    },
  };
}
