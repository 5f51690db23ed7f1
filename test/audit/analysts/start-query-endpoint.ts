import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { startEmbedded } from '../../../audit/clickhouse/start-embedded.ts';
import { temporaryFolder } from '../events.ts';

export type TestQueryEndpoint = AsyncDisposable & {
  readonly url: string;
  readonly user: string;
  readonly token: string;
  /** The folder for what the engine and the test write. */
  readonly folder: string;
  /** The gateway's own client, connected to the engine's endpoint. */
  readonly writer: ClickHouseClient;
  /** Sends one request as the analyst. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** Sends one statement as the analyst, in the body. */
  query(sql: string, search?: string): Promise<Response>;
};

const ROWS = 1000;

/** The real engine with both endpoints and a table of events. */
export async function startQueryEndpoint(): Promise<TestQueryEndpoint> {
  const data = await temporaryFolder();
  const user = 'ana@example.com';
  const token = 'token: of ana';
  const analysts = [
    { id: user, token_sha256: sha256(token) },
    { id: 'ben@example.com', token_sha256: sha256('token of ben') },
  ];
  const path = join(data.path, 'clickhouse');
  const embedded = await startEmbedded({ path, queryEndpoint: { host: '127.0.0.1', port: 0, analysts } });
  const writer = connectClickHouse(embedded);
  const url = `http://127.0.0.1:${embedded.queryPort}`;
  await writer.command({ query: 'CREATE DATABASE holdpoint' });
  await writer.command({
    query: `CREATE TABLE holdpoint.events (
      event_id String, at DateTime64(3, 'UTC'), agent LowCardinality(String), system LowCardinality(String),
      rules Array(LowCardinality(String)), confidence Nullable(Float64), seq UInt64, input String
    ) ENGINE = MergeTree ORDER BY (agent, at)`,
  });
  await writer.command({
    query: `INSERT INTO holdpoint.events SELECT concat('evt_', toString(number)),
      toDateTime64('2026-11-01 00:00:00', 3, 'UTC') + number, concat('bot-', toString(number % 5)), 'payments',
      ['payments/small', concat('rule-', toString(number % 3))], if(number % 2 = 0, number / ${ROWS}, NULL), number,
      '{}' FROM numbers(${ROWS})`,
  });
  // Its presence tells that all tables are there.
  await writer.command({
    query: 'CREATE VIEW holdpoint.minutes AS SELECT toStartOfMinute(at) AS at FROM holdpoint.events',
  });
  const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { ...init, headers: { authorization, ...init.headers } });
  return {
    url,
    user,
    token,
    folder: data.path,
    writer,
    ask,
    query: (sql, search = '') => ask(`/${search}`, { method: 'POST', body: sql }),
    async [Symbol.asyncDispose]() {
      await writer.close();
      const exited = once(embedded.child, 'exit');
      embedded.child.kill('SIGTERM');
      await exited;
      await data[Symbol.asyncDispose]();
    },
  };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
