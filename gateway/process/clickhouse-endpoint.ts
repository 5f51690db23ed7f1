import { readFile, rm, writeFile } from 'node:fs/promises';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';

/** How the embedded ClickHouse of a gateway that runs is reached from this machine. */
type Endpoint = Pick<ClickHouseAddress, 'url' | 'username' | 'password'>;

/** Lets commands on this machine find the embedded engine. Whoever may read the file may do anything with the record. */
export async function tellEndpoint(path: string, { url, username, password }: Endpoint): Promise<void> {
  // Written anew each time: the mode is that of the file when it was made.
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify({ url, username, password }), { mode: 0o600 });
}

/** Null where there is none: no engine runs, or not yet. */
export async function readEndpoint(path: string): Promise<Endpoint | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null || text === '' ? null : (JSON.parse(text) as Endpoint);
}
