import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { hashToken } from '../../../gateway/identify/token.ts';
import { temporaryFolder } from '../events.ts';

test('a query before the tables are there is told to come back, and answered when they are', async () => {
  await using data = await temporaryFolder();
  const embedded = await startEmbedded({
    path: join(data.path, 'clickhouse'),
    queryEndpoint: { host: '127.0.0.1', port: 0, analysts: [{ id: 'ana', token_sha256: hashToken('of ana') }] },
  });
  const client = connectClickHouse(embedded);
  const url = `http://127.0.0.1:${embedded.queryPort}`;
  const count = () => fetch(`${url}/?user=ana&password=of+ana`, { method: 'POST', body: 'SELECT count() FROM calls' });
  const status = async (path: string) => (await fetch(`${url}${path}`)).status;
  try {
    const early = await count();
    expect(early.status).toBe(503);
    expect(early.headers.get('retry-after')).toBe('2');
    expect(await early.text()).toMatch(/^Code: 745\. DB::Exception: The tables are not ready yet\. Try again in 2 s\./);
    expect([await status('/ping'), await status('/replicas_status')]).toEqual([200, 503]);
    expect((await fetch(`${url}/?user=ana&password=wrong`, { method: 'POST', body: 'SELECT 1' })).status).toBe(403);
    await migrate(client);
    expect(await (await count()).text()).toBe('0\n');
    expect(await status('/replicas_status')).toBe(200);
  } finally {
    await client.close();
    const exited = once(embedded.child, 'exit');
    embedded.child.kill('SIGTERM');
    await exited;
  }
});

test('the view by which the endpoint knows that the tables are there is made last', async () => {
  const views = await readFile(join(import.meta.dirname, '../../../audit/clickhouse/schema/views.sql'), 'utf8');
  expect([...views.matchAll(/^CREATE .*VIEW holdpoint\.(\w+)/gm)].at(-1)?.[1]).toBe('minutes');
});
