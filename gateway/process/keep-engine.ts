import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import type { AnalystsOrder } from '../../audit/clickhouse/embedded.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import type { Config } from '../config/config.ts';
import type { Listening } from './addresses.ts';
import { tellEndpoint } from './clickhouse-endpoint.ts';
import type { DataFolder } from './data-folder.ts';
import { keepRunning, type Kept } from './keep-running.ts';

/** Milliseconds for a killed gateway's engine to release the data. After that, the start fails. */
const ENGINE_PATIENCE = 5_000;

/** The embedded ClickHouse. */
export type KeptEngine = Kept & {
  /** Tells it who may query, after the configuration changed. */
  tellAnalysts(): void;
};

/** Keeps the embedded ClickHouse running. A restart keeps port and password, so its clients need not be told. */
export function keepEngine(options: {
  /** The configuration in force. */
  readonly config: () => Config;
  readonly listening: Listening;
  readonly folder: DataFolder;
  readonly log: Logger;
  /** Called at each start, once the engine answers at `address`. */
  readonly onStart: (address: ClickHouseAddress) => void;
  readonly onStartFailed: (reason: string) => void;
}): KeptEngine {
  const { config, listening, folder, log, onStart, onStartFailed } = options;
  const since = performance.now();
  let known: { port: number; password: string } | null = null;
  const analysts = () =>
    config()
      .reviewers.filter(({ roles }) => roles.includes('analyst'))
      .map(({ id, token_sha256 }) => ({ id, token_sha256 }));
  const order = (): AnalystsOrder => ({ analysts: analysts() });
  const kept = keepRunning({
    name: 'clickhouse',
    async spawn(signal) {
      const { child, url, username, password, port } = await startEmbedded({
        path: folder.clickhouse,
        signal,
        ...(listening.analysts && { queryEndpoint: { ...listening.analysts, analysts: analysts() } }),
        ...known,
      });
      known = { port, password };
      await tellEndpoint(folder.clickhouseEndpoint, { url, username, password }).catch((err: unknown) =>
        log.warn({ err }, 'the address of ClickHouse could not be written; commands cannot find it'),
      );
      // They may have changed while it started.
      child.send(order());
      onStart({ url, username, password });
      return child;
    },
    log,
    onEnd(reason) {
      // The engine of a killed gateway may still be closing its files.
      if (known || performance.now() - since > ENGINE_PATIENCE) onStartFailed(reason);
    },
  });
  return Object.assign(kept, { tellAnalysts: () => kept.send(order()) });
}
