import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import pino from 'pino';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { startGateway } from '../../../gateway/process/supervisor.ts';
import { temporaryFolder } from '../events.ts';

test('a gateway lets its analysts query the endpoint, and no other reviewer', async () => {
  await using folder = await temporaryFolder();
  const sha256 = (token: string) => createHash('sha256').update(token).digest('hex');
  const text = `listen: { agents: "127.0.0.1:0", admin: "127.0.0.1:0", clickhouse: "127.0.0.1:0" }
policies: ${join(import.meta.dirname, '../../../policies')}
workers: 1
log: error
systems: { github: { upstream: "http://127.0.0.1:1" } }
reviewers:
  - { id: ana@example.com, token_sha256: ${sha256('of ana')}, roles: [analyst] }
  - { id: ben@example.com, token_sha256: ${sha256('of ben')}, roles: [reviewer, operator] }
`;
  const file = join(folder.path, 'holdpoint.yaml');
  writeFileSync(file, text);
  const gateway = await startGateway(parseConfig(text, file, {}), pino({ level: 'silent' }));
  try {
    const ask = (user: string, token: string) =>
      fetch(`http://127.0.0.1:${gateway.analysts!.port}/?query=SHOW+TABLES`, {
        headers: { 'x-clickhouse-user': user, 'x-clickhouse-key': token },
      });
    const statuses = new Set<number>();
    const tables = async () => {
      const answer = await ask('ana@example.com', 'of ana');
      statuses.add(answer.status);
      return await answer.text();
    };
    await expect.poll(tables, { timeout: 30_000, interval: 20 }).toMatch(/^calls\n(?:.*\n)*events\n/m);
    // While the tables are made, it is told to come back; never that there are none.
    expect([...statuses].filter((status) => status !== 503)).toEqual([200]);
    const ready = async () => (await fetch(`http://127.0.0.1:${gateway.admin.port}/-/readyz`)).json();
    await expect.poll(ready).toMatchObject({ ready: true, checks: { clickhouse: 'ok' } });
    expect((await ask('ben@example.com', 'of ben')).status).toBe(403);
  } finally {
    await gateway.stop();
  }
});
