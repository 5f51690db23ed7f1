import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { hashToken } from '../../gateway/identify/token.ts';
import { tempFolder, writeFiles } from './folder.ts';
import { createPlace, CREDENTIAL, REVIEWER_TOKEN, type Place } from './gateway.ts';
import { testOpa } from './policy.ts';
import { startPostgres, type PostgresServer } from './postgres.ts';

/** The token of eve@example.com, the second reviewer. The first is ben@example.com, with `REVIEWER_TOKEN`. */
export const SECOND_TOKEN = 'hp_second-reviewer-of-the-tests';

/** Places for gateways with one PostgreSQL for holds and one ClickHouse for the record. */
export type SharedStore = {
  readonly places: readonly Place[];
  readonly postgres: PostgresServer;
  /** Rows from the shared ClickHouse. */
  query<Row>(sql: string): Promise<Row[]>;
  /** Kills all running processes. */
  remove(): Promise<void>;
};

/**
 * @param rego the rules of the system `github`, which is at `upstream`
 * @param own replaces settings
 */
export async function createSharedStore(
  gateways: number,
  upstream: string,
  rego: string,
  own: object = {},
): Promise<SharedStore> {
  await testOpa();
  const folder = tempFolder();
  const policies = writeFiles({ 'github.rego': rego });
  const [postgres, clickhouse] = await Promise.all([
    startPostgres(),
    startEmbedded({ path: join(folder.path, 'clickhouse') }),
  ]);
  const { url, username, password } = clickhouse;
  const person = (id: string, token: string) => ({ id, token_sha256: hashToken(token), groups: ['maintainers'] });
  const config = {
    store: postgres.url,
    store_key: randomBytes(32).toString('hex'),
    clickhouse: { url, username, password },
    policies: policies.path,
    workers: 1,
    systems: { github: { upstream, credential: { header: 'authorization', value: CREDENTIAL }, wait: '5m' } },
    reviewers: [person('ben@example.com', REVIEWER_TOKEN), person('eve@example.com', SECOND_TOKEN)],
  };
  const places: Place[] = [];
  for (let index = 1; index <= gateways; index++) {
    places.push(await createPlace(upstream, { ...config, ...own, node: `gateway-${index}` }));
  }
  const client = connectClickHouse(clickhouse);
  return {
    places,
    postgres,
    query: async (query) => (await client.query({ query, format: 'JSONEachRow' })).json(),
    async remove() {
      for (const place of places) await place.remove();
      await client.close();
      clickhouse.child.kill('SIGTERM');
      if (clickhouse.child.exitCode === null) await once(clickhouse.child, 'exit');
      await postgres.stop();
      policies.remove();
      folder.remove();
    },
  };
}
