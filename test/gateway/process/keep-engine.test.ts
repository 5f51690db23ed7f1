import { mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import pino from 'pino';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { openClickHouse } from '../../../gateway/process/open-clickhouse.ts';
import { startGateway } from '../../../gateway/process/supervisor.ts';
import { temporaryFolder } from '../../audit/events.ts';

test('a gateway starts without an engine that cannot open, names the file, and uses the engine once it can', async () => {
  await using folder = await temporaryFolder();
  const text = `listen: { agents: "127.0.0.1:0", admin: "127.0.0.1:0" }
policies: ${join(import.meta.dirname, '../../../policies')}
workers: 1
log: error
systems: { github: { upstream: "http://127.0.0.1:1" } }
`;
  const config = parseConfig(text, join(folder.path, 'holdpoint.yaml'), {});
  mkdirSync(config.data, { recursive: true });
  await (await openClickHouse(config)).close();
  // `schema_migrations` has rows: only a person can say what becomes of it.
  const file = join(config.data, 'clickhouse', 'metadata', 'holdpoint', 'schema_migrations.sql');
  const whole = readFileSync(file);
  truncateSync(file);
  utimesSync(file, new Date(0), new Date(0));

  const lines: string[] = [];
  const out = new Writable({ write: (chunk, _encoding, done) => (lines.push(String(chunk)), done()) });
  const gateway = await startGateway(config, pino(out));
  try {
    const ready = async (address: { port: number }) =>
      (await fetch(`http://127.0.0.1:${address.port}/-/readyz`)).json();
    expect(await ready(gateway.agents)).toEqual({ status: 'ok' });
    expect(await ready(gateway.admin)).toMatchObject({
      ready: true,
      checks: { clickhouse: 'the tables are not ready; events wait in the journal' },
    });
    const told = lines.map((line) => JSON.parse(line) as { level: number; msg: string; reason?: string });
    expect(told.find(({ msg }) => msg.startsWith('ClickHouse does not start'))).toMatchObject({
      level: 50,
      reason: expect.stringContaining(`${file} is damaged`),
    });
    writeFileSync(file, whole);
    await expect.poll(() => ready(gateway.admin), { timeout: 60_000 }).toMatchObject({ checks: { clickhouse: 'ok' } });
    const { client, close } = await openClickHouse(config);
    expect(await client.ping()).toEqual({ success: true });
    await close();
  } finally {
    await gateway.stop();
  }
});
