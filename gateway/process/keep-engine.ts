import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import type { AnalystsOrder } from '../../audit/clickhouse/embedded.ts';
import { createPassword, startEmbedded, USERNAME } from '../../audit/clickhouse/start-embedded.ts';
import type { Config } from '../config/config.ts';
import { freePort, type Listening } from './addresses.ts';
import { tellEndpoint } from './clickhouse-endpoint.ts';
import type { DataFolder } from './data-folder.ts';
import { keepRunning, type Kept } from './keep-running.ts';

/** Milliseconds for a killed gateway's engine to release the data. After that, the gateway starts without its own. */
const ENGINE_PATIENCE = 5_000;

/** The embedded ClickHouse. */
export type KeptEngine = Kept & {
  /** Tells it who may query, after the configuration changed. */
  tellAnalysts(): void;
};

/**
 * Keeps the embedded ClickHouse running. A restart keeps port and password, so its clients need not be told. Where it cannot
 * start, the gateway starts without it and attempts go on: calls do not need it, and events wait in the journal.
 */
export function keepEngine(options: {
  /** The configuration in force. */
  readonly config: () => Config;
  readonly listening: Listening;
  readonly folder: DataFolder;
  readonly log: Logger;
  /** Told at each start where the engine answers, or will once it can start. */
  readonly onAddress: (address: ClickHouseAddress) => void;
}): KeptEngine {
  const { config, listening, folder, log, onAddress } = options;
  const since = performance.now();
  let known: { port: number; password: string } | null = null;
  let isLate = false;
  const analysts = () =>
    config()
      .reviewers.filter(({ roles }) => roles.includes('analyst'))
      .map(({ id, token_sha256 }) => ({ id, token_sha256 }));
  const order = (): AnalystsOrder => ({ analysts: analysts() });
  const kept = keepRunning({
    name: 'clickhouse',
    async spawn(signal) {
      const { child, url, username, password, port, repaired } = await startEmbedded({
        path: folder.clickhouse,
        signal,
        ...(listening.analysts && { queryEndpoint: { ...listening.analysts, analysts: analysts() } }),
        ...known,
      });
      known = { port, password };
      if (repaired.length > 0)
        log.warn(
          { removed: repaired },
          'ClickHouse was repaired: tables that a full disk had left unfinished are made again',
        );
      await tellEndpoint(folder.clickhouseEndpoint, { url, username, password }).catch((err: unknown) =>
        log.warn({ err }, 'the address of ClickHouse could not be written; commands cannot find it'),
      );
      // They may have changed while it started.
      child.send(order());
      onAddress({ url, username, password });
      return child;
    },
    log,
    onEnd(reason) {
      // The engine of a killed gateway may still be closing its files.
      if (known !== null || isLate || performance.now() - since < ENGINE_PATIENCE) return;
      isLate = true;
      log.error({ reason }, 'ClickHouse does not start; calls are served, and events wait in the journal');
      void promiseAddress();
    },
  });

  /** Tells the address at which the engine will answer once it can start. */
  async function promiseAddress(): Promise<void> {
    const port = await freePort('127.0.0.1');
    known ??= { port, password: createPassword() };
    onAddress({ url: `http://127.0.0.1:${known.port}`, username: USERNAME, password: known.password });
  }

  return Object.assign(kept, { tellAnalysts: () => kept.send(order()) });
}
