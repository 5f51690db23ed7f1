import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import type { Config } from '../config/config.ts';
import type { Listening } from './addresses.ts';
import { tellEndpoint } from './clickhouse-endpoint.ts';
import type { DataFolder } from './data-folder.ts';
import { keepRunning, type Kept } from './keep-running.ts';

/** Milliseconds for a killed gateway's engine to release the data. After that, the start fails. */
const ENGINE_PATIENCE = 5_000;

/** Keeps the embedded ClickHouse running. A restart keeps port and password, so its clients need not be told. */
export function keepEngine(options: {
  readonly config: Config;
  readonly listening: Listening;
  readonly folder: DataFolder;
  readonly log: Logger;
  /** Called at each start, once the engine answers at `address`. */
  readonly onStart: (address: ClickHouseAddress) => void;
  readonly onStartFailed: (reason: string) => void;
}): Kept {
  const { config, listening, folder, log, onStart, onStartFailed } = options;
  const since = performance.now();
  let known: { port: number; password: string } | null = null;
  const analysts = config.reviewers.filter(({ roles }) => roles.includes('analyst'));
  const queryEndpoint = listening.analysts && {
    ...listening.analysts,
    analysts: analysts.map(({ id, token_sha256 }) => ({ id, token_sha256 })),
  };
  return keepRunning({
    name: 'clickhouse',
    async spawn(signal) {
      const { child, url, username, password, port } = await startEmbedded({
        path: folder.clickhouse,
        signal,
        ...(queryEndpoint && { queryEndpoint }),
        ...known,
      });
      known = { port, password };
      await tellEndpoint(folder.clickhouseEndpoint, { url, username, password }).catch((err: unknown) =>
        log.warn({ err }, 'the address of ClickHouse could not be written; commands cannot find it'),
      );
      onStart({ url, username, password });
      return child;
    },
    log,
    onEnd(reason) {
      // The engine of a killed gateway may still be closing its files.
      if (known || performance.now() - since > ENGINE_PATIENCE) onStartFailed(reason);
    },
  });
}
