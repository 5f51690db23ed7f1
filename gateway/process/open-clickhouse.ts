import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse, type ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { readEndpoint } from './clickhouse-endpoint.ts';
import type { Config } from '../config/config.ts';
import { dataFolder, DataInUse, lockDataFolder } from './data-folder.ts';

type OpenClickHouse = {
  readonly client: ClickHouseClient;
  /** Closes the client, and ends the engine if one was started for it. */
  close(): Promise<void>;
};

/** ClickHouse cannot be queried now. `message` says why, and what to do. */
export class ClickHouseUnavailable extends Error {}

/**
 * Opens ClickHouse for a command: the configured server, or the engine of the running gateway. If no gateway runs, the
 * command starts an engine, and no gateway can start on the data until `close`.
 * @throws ClickHouseUnavailable
 */
export async function openClickHouse(config: Pick<Config, 'clickhouse' | 'data' | 'file'>): Promise<OpenClickHouse> {
  const { clickhouse, data, file } = config;
  if (clickhouse) {
    const advice = `Check \`clickhouse\` in ${file}, and that the server runs.`;
    return await connect(clickhouse, `ClickHouse at ${[clickhouse.url].flat().join(', ')}`, advice);
  }
  if (!existsSync(data)) {
    throw new ClickHouseUnavailable(`There is nothing in ${data} yet. Start the gateway, or name another --config.`);
  }
  let unlock: () => void;
  try {
    unlock = lockDataFolder(data);
  } catch (error) {
    if (!(error instanceof DataInUse)) throw error;
    return await connectToGateway(data);
  }
  try {
    const { client, close } = await startOwn(data);
    return { client, close: () => close().finally(unlock) };
  } catch (error) {
    unlock();
    throw error;
  }
}

async function connectToGateway(data: string): Promise<OpenClickHouse> {
  const advice = 'Try again in a moment; the log of the gateway says more.';
  const endpoint = await readEndpoint(dataFolder(data).clickhouseEndpoint);
  if (endpoint === null) {
    throw new ClickHouseUnavailable(`The gateway on ${data} has no embedded ClickHouse that runs. ${advice}`);
  }
  return await connect(endpoint, `The ClickHouse of the gateway on ${data}`, advice);
}

async function connect(address: ClickHouseAddress, what: string, advice: string): Promise<OpenClickHouse> {
  const client = connectClickHouse(address);
  const answer = await client.ping({ select: true });
  if (answer.success) return { client, close: () => client.close() };
  await client.close();
  // If several addresses were tried, the error has no message of its own, and its members have the reasons.
  const { message, errors = [] } = answer.error as AggregateError;
  const reason = message || errors.map((error: Error) => error.message).join('; ');
  throw new ClickHouseUnavailable(`${what} does not answer: ${reason.trim().replace(/\.$/, '')}. ${advice}`);
}

async function startOwn(data: string): Promise<OpenClickHouse> {
  const { child, ...address } = await startEmbedded({ path: dataFolder(data).clickhouse });
  const client = connectClickHouse(address);
  async function close(): Promise<void> {
    await client.close();
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await exited;
  }
  try {
    // The tables may be of an earlier version, or may not exist yet.
    await migrate(client);
  } catch (error) {
    await close();
    throw error;
  }
  return { client, close };
}
