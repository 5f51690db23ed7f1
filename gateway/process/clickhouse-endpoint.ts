import { readFile, rm, writeFile } from 'node:fs/promises';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';

/** The address and login of a running gateway's embedded ClickHouse, for this machine. */
type Endpoint = Pick<ClickHouseAddress, 'url' | 'username' | 'password'>;

/**
 * Lets commands on this machine find the embedded engine. A user who can read the file has full access to the record.
 */
export async function tellEndpoint(path: string, { url, username, password }: Endpoint): Promise<void> {
  // Deleted first: an existing file would keep its mode.
  await rm(path, { force: true });
  await writeFile(path, JSON.stringify({ url, username, password }), { mode: 0o600 });
}

/** Null if no engine runs yet. */
export async function readEndpoint(path: string): Promise<Endpoint | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null || text === '' ? null : (JSON.parse(text) as Endpoint);
}
