import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { dataFolder } from '../../gateway/process/data-folder.ts';
import { writeYear } from './write-year.ts';

/**
 * Opens the year of work in a folder, for as long as `use` takes.
 * @param events how many are written when the folder has none
 * @param use gets the process of the engine, too
 */
export async function withYear(
  data: string,
  events: number,
  use: (client: ClickHouseClient, engine: number) => Promise<void>,
): Promise<void> {
  const { clickhouse } = dataFolder(data);
  if (!existsSync(join(clickhouse, 'metadata'))) await writeYear({ data, events });
  const { child, ...address } = await startEmbedded({ path: clickhouse });
  const client = connectClickHouse(address);
  try {
    await migrate(client);
    await use(client, child.pid!);
  } finally {
    await client.close();
    const ended = once(child, 'exit');
    child.kill();
    await ended;
  }
}
