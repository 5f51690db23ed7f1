import { once } from 'node:events';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { insertEvents, stamp } from '../../../audit/ship/event-table.ts';
import type { Embedded, EmbeddedOptions } from '../../../audit/clickhouse/start-embedded.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { temporaryFolder } from '../events.ts';

/** An embedded ClickHouse of a test's own, and what tests do with it. */
export type Warehouse = AsyncDisposable & {
  readonly embedded: Embedded;
  readonly client: ClickHouseClient;
  /** Inserts events as one delivery. The same `from` and `at` again: a retry of that delivery. */
  insert(events: readonly Event[], delivery?: { chain?: string; from?: number; at?: number }): Promise<void>;
  select<Row = Record<string, unknown>>(query: string, params?: Record<string, unknown>): Promise<Row[]>;
};

export const ARRIVAL = 1_790_000_500_000;

export async function openWarehouse(more: Pick<EmbeddedOptions, 'queryEndpoint'> = {}): Promise<Warehouse> {
  const folder = await temporaryFolder();
  const embedded = await startEmbedded({ path: `${folder.path}/clickhouse`, ...more });
  const client = connectClickHouse(embedded);
  let next = 1;
  return {
    embedded,
    client,
    async insert(events, { chain = 'chain-1', from = next, at = ARRIVAL } = {}) {
      next = Math.max(next, from + events.length);
      const rows = events.map((event, i) => ({ seq: from + i, line: Buffer.from(eventLine(event)) }));
      const { signal } = new AbortController();
      const { body } = stamp(rows, chain, at);
      await insertEvents(client, { body, chain, from, to: from + rows.length, at, signal });
    },
    async select<Row>(query: string, query_params: Record<string, unknown> = {}) {
      return (await client.query({ query, query_params, format: 'JSONEachRow' })).json<Row>();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      const exited = once(embedded.child, 'exit');
      embedded.child.kill('SIGTERM');
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}
