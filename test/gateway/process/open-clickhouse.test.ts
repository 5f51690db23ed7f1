import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { tellEndpoint } from '../../../gateway/process/clickhouse-endpoint.ts';
import { lockDataFolder } from '../../../gateway/process/data-folder.ts';
import { ClickHouseUnavailable, openClickHouse } from '../../../gateway/process/open-clickhouse.ts';
import { temporaryFolder } from '../../audit/events.ts';

const file = '/etc/holdpoint.yaml';

async function count({ client }: Awaited<ReturnType<typeof openClickHouse>>): Promise<unknown> {
  return (
    await client.query({ query: 'SELECT toString(count()) AS calls FROM holdpoint.calls', format: 'JSONEachRow' })
  ).json();
}

const failure = async (config: Parameters<typeof openClickHouse>[0]): Promise<Error> => {
  const error: unknown = await openClickHouse(config).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(ClickHouseUnavailable);
  return error as Error;
};

test('a command starts the embedded engine when no gateway runs, and leaves the data to the next process', async () => {
  await using folder = await temporaryFolder();
  const data = join(folder.path, 'data');
  expect((await failure({ data, file })).message).toBe(
    `There is nothing in ${data} yet. Start the gateway, or name another --config.`,
  );
  mkdirSync(data);
  const opened = await openClickHouse({ data, file });
  expect(await count(opened)).toEqual([{ calls: '0' }]);
  expect(() => lockDataFolder(data)).toThrow('Another Holdpoint');
  await opened.close();
  lockDataFolder(data)();
  const again = await openClickHouse({ data, file });
  expect(await count(again)).toEqual([{ calls: '0' }]);
  await again.close();
});

test('a command asks the engine of the running gateway, which it finds by a private file', async () => {
  await using folder = await temporaryFolder();
  const data = folder.path;
  const endpoint = join(data, 'clickhouse.json');
  const unlock = lockDataFolder(data);
  expect((await failure({ data, file })).message).toMatch(/has no embedded ClickHouse that runs\. Try again/);
  const engine = await startEmbedded({ path: join(data, 'clickhouse') });
  writeFileSync(endpoint, 'of a gateway that was killed', { mode: 0o644 });
  await tellEndpoint(endpoint, engine);
  expect(statSync(endpoint).mode & 0o777).toBe(0o600);
  expect(Object.keys(JSON.parse(readFileSync(endpoint, 'utf8')))).toEqual(['url', 'username', 'password']);
  const { client, close } = await openClickHouse({ data, file });
  expect(await client.ping({ select: true })).toEqual({ success: true });
  await close();
  engine.child.kill('SIGKILL');
  await new Promise((resolve) => engine.child.once('exit', resolve));
  expect((await failure({ data, file })).message).toMatch(/does not answer: .*ECONNREFUSED.*\. Try again in a moment/);
  unlock();
});

test('a command asks the configured server, and says where to look when it does not answer', async () => {
  await using folder = await temporaryFolder();
  const engine = await startEmbedded({ path: folder.path });
  const { url, username, password } = engine;
  const clickhouse = { url, username, password, compression: false };
  const { client, close } = await openClickHouse({ clickhouse, data: '/nowhere', file });
  expect(await client.ping({ select: true })).toEqual({ success: true });
  await close();
  const wrong = await failure({ clickhouse: { ...clickhouse, password: 'wrong' }, data: '/nowhere', file });
  expect(wrong.message).toMatch(/^ClickHouse at http:.* does not answer: .*Authentication failed/);
  expect(wrong.message).toContain('Check `clickhouse` in /etc/holdpoint.yaml');
  expect(wrong.message).not.toContain(password);
  engine.child.kill('SIGTERM');
  await new Promise((resolve) => engine.child.once('exit', resolve));
});
