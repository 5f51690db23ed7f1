import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { connectClickHouse, type ClickHouseAddress } from '../../../audit/clickhouse/clickhouse.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import type { Signer } from '../../../audit/ledger/ledger.ts';
import { createOutboxSource } from '../../../audit/ship/outbox-source.ts';
import { registerShipMetrics } from '../../../audit/ship/ship-metrics.ts';
import { createShipper } from '../../../audit/ship/shipper.ts';
import type { Config } from '../../config/config.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Store } from '../../domain/store.ts';
import type { RecordStep } from './record-step.ts';

/** Milliseconds to ship the last events when the gateway stops. The journal keeps the rest. */
export const LAST_SHIPMENT = 1_000;

/** Ships the record to ClickHouse. Returns the client that reads it there. */
export async function startShipping(deps: {
  readonly config: Config;
  readonly clickhouse: ClickHouseAddress;
  readonly journals: string;
  readonly store: Pick<Store, 'outbox'>;
  readonly signer: Signer;
  readonly registry: Registry;
  readonly record: RecordStep;
  readonly log: Logger;
  readonly clock: Clock;
}) {
  const { config, store, signer, record, log, clock } = deps;
  const { node } = config;
  const client = connectClickHouse(deps.clickhouse);
  let { retention } = config;
  let isPrepared = false;
  async function prepare(): Promise<void> {
    await migrate(client, { cluster: config.clickhouse?.cluster, retention });
    isPrepared = true;
  }
  const prepareNow = () =>
    void prepare().catch((err: unknown) =>
      log.warn({ err }, 'the tables in ClickHouse could not be prepared; retrying before the first insert'),
    );
  // At the start, not with the first events: analysts may query the tables before.
  prepareNow();
  const shipper = await createShipper({
    dir: deps.journals,
    client,
    prepare,
    sources: (home) => [createOutboxSource({ name: 'holds-outbox', outbox: store.outbox, home, node, signer, clock })],
    record,
    clock,
    onReport: ({ type, ...report }) =>
      type === 'resumed'
        ? log.info(report, 'events reach ClickHouse again')
        : log.warn({ report: type, ...report }, 'shipping events to ClickHouse failed'),
  });
  registerShipMetrics(deps.registry, shipper);
  shipper.start();
  return {
    client,
    /** Whether the tables are ready; until then, events wait in the journals. */
    get isPrepared(): boolean {
      return isPrepared;
    },
    /** Keeps rows as long as another configuration says. */
    configure(changed: Config): void {
      if (isDeepStrictEqual(changed.retention, retention)) return;
      ({ retention } = changed);
      prepareNow();
    },
    /** Events that do not arrive in time stay in the journals until the next start. */
    async stop(): Promise<void> {
      await shipper.stop();
      const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_SHIPMENT).unref());
      await Promise.race([shipper.drain().catch(() => {}), late]);
      await client.close();
    },
  };
}
