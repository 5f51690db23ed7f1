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
    await expect
      .poll(async () => (await ask('ana@example.com', 'of ana')).text(), { timeout: 30_000 })
      .toContain('events\n');
    expect((await ask('ben@example.com', 'of ben')).status).toBe(403);
  } finally {
    await gateway.stop();
  }
});
