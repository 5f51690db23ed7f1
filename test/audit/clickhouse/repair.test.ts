import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync, statfsSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { expect, onTestFinished, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { repairDefinitions } from '../../../audit/clickhouse/repair.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { temporaryFolder } from '../events.ts';

/** Opens the engine, and closes it after `use`. */
async function withEngine<T>(path: string, use: (client: ClickHouseClient) => Promise<T>) {
  const { child, repaired, ...address } = await startEmbedded({ path });
  const client = connectClickHouse(address);
  try {
    return { repaired, result: await use(client) };
  } finally {
    await client.close();
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }
}

const prepare = (path: string) => withEngine(path, (client) => migrate(client));

async function preparedFolder(): Promise<string> {
  const folder = await temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'clickhouse');
  await prepare(path);
  return path;
}

/** What a full disk leaves of a file, a while ago. */
function cut(file: string, bytes = 0): void {
  truncateSync(file, bytes);
  setBack(file);
}

function setBack(file: string): void {
  const before = new Date(Date.now() - 60_000);
  utimesSync(file, before, before);
}

const definition = (path: string, name: string) => join(path, 'metadata', 'holdpoint', `${name}.sql`);

const folderOf = (path: string, name: string) => {
  const [, uuid = ''] = /UUID '(.{36})'/.exec(readFileSync(definition(path, name), 'utf8')) ?? [];
  return join(path, 'store', uuid.slice(0, 3), uuid);
};

test('tables that a full disk left unfinished are made again, and the others are left alone', async () => {
  const path = await preparedFolder();
  const damaged = ['checkpoints', 'minute_states', 'minute_steps', 'minutes'];
  cut(join(folderOf(path, 'checkpoints'), 'format_version.txt'));
  cut(definition(path, 'minute_states'));
  cut(definition(path, 'minute_steps'), 300);
  cut(definition(path, 'minutes'));
  const { repaired, result } = await prepare(path);
  expect(repaired).toEqual(damaged.map((name) => definition(path, name)));
  expect(result).toEqual(['0001-events.sql', '0004-minutes.sql', 'views.sql']);
  const again = await withEngine(path, async (client) => {
    await client.command({ query: "INSERT INTO holdpoint.events (event_id, type) VALUES ('evt_1', 'call.decided')" });
    const rows = await client.query({ query: 'SELECT count() AS n FROM holdpoint.minutes', format: 'JSONEachRow' });
    return [await migrate(client), await rows.json()];
  });
  expect(again).toEqual({ repaired: [], result: [[], [{ n: 1 }]] });
});

test('a damaged definition of a table with rows is kept, and the error names it', async () => {
  const path = await preparedFolder();
  await withEngine(path, (client) =>
    client.command({ query: "INSERT INTO holdpoint.events (event_id) VALUES ('evt_1')" }),
  );
  const events = definition(path, 'events');
  const whole = readFileSync(events);
  for (const bytes of [0, 300]) {
    cut(events, bytes);
    await expect(startEmbedded({ path })).rejects.toThrow(
      `cannot open ${path}: ${events} is damaged, and its table may have data.`,
    );
    expect(readFileSync(events)).toHaveLength(bytes);
  }
  // Where its rows are is not known then.
  cut(events);
  rmSync(join(path, 'data', 'holdpoint', 'events'));
  await expect(repairDefinitions(path)).rejects.toThrow(`${events} is damaged`);
  writeFileSync(events, whole);
  cut(join(path, 'metadata', 'holdpoint.sql'));
  await expect(repairDefinitions(path)).rejects.toThrow('holdpoint.sql is damaged');
  expect(readdirSync(join(path, 'metadata', 'holdpoint'))).toContain('events.sql');
});

test('a damaged definition of a database without rows is made again', async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, 'clickhouse');
  await withEngine(path, (client) => client.command({ query: 'CREATE DATABASE holdpoint' }));
  cut(join(path, 'metadata', 'holdpoint.sql'));
  const { repaired, result } = await prepare(path);
  expect(repaired).toEqual([join(path, 'metadata', 'holdpoint.sql')]);
  expect(result).toContain('0001-events.sql');
});

test('a file that an engine may be writing is left alone', async () => {
  const path = await preparedFolder();
  truncateSync(definition(path, 'minutes'));
  expect(await repairDefinitions(path)).toEqual([]);
  setBack(definition(path, 'minutes'));
  expect(await repairDefinitions(path)).toEqual([definition(path, 'minutes')]);
});

/** Bytes left on the disk: for none of a file, for some, for all of several. */
const LEFT = [0, 4096, 8192, 20_480];

test.skipIf(process.getuid?.() !== 0 || process.platform !== 'linux')(
  'an engine whose disk was full while it made its tables opens once there is room (needs root, to mount a small disk)',
  { timeout: 120_000 },
  async () => {
    await using folder = await temporaryFolder();
    for (const left of LEFT) {
      const disk = join(folder.path, `with-${left}`);
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', disk]);
      try {
        const path = join(disk, 'clickhouse');
        await withEngine(path, async (client) => {
          const { bavail, bsize } = statfsSync(disk);
          writeFileSync(join(disk, 'filling'), Buffer.alloc(bavail * bsize - left));
          await expect(migrate(client)).rejects.toThrow('not enough space');
        });
        rmSync(join(disk, 'filling'));
        readdirSync(disk, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .forEach(({ parentPath, name }) => setBack(join(parentPath, name)));
        const { repaired, result } = await prepare(path);
        expect([left, repaired.length > 0, result.at(-1)]).toEqual([left, true, 'views.sql']);
      } finally {
        execFileSync('umount', [disk]);
      }
    }
  },
);
