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
import type { HoldStore } from '../../domain/hold-store.ts';
import type { RecordStep } from './record-step.ts';

/** How long the last events may take to reach ClickHouse when the gateway stops; the journal keeps the rest. */
export const LAST_SHIPMENT = 1_000;

/** The record on its way to ClickHouse, and the client that reads it there. */
export async function startShipping(deps: {
  readonly config: Config;
  readonly clickhouse: ClickHouseAddress;
  readonly journals: string;
  readonly store: Pick<HoldStore, 'outbox'>;
  readonly signer: Signer;
  readonly registry: Registry;
  readonly record: RecordStep;
  readonly log: Logger;
  readonly clock: Clock;
}) {
  const { config, store, signer, record, log, clock } = deps;
  const { node } = config;
  const client = connectClickHouse(deps.clickhouse);
  const prepare = () => migrate(client, { cluster: config.clickhouse?.cluster, retention: config.retention });
  // Not only when there is something to ship: analysts look at the tables before.
  void prepare().catch((err: unknown) =>
    log.warn({ err }, 'the tables in ClickHouse could not be made ready; it is tried again before events go there'),
  );
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
        : log.warn({ report: type, ...report }, 'events do not reach ClickHouse as they should'),
  });
  registerShipMetrics(deps.registry, shipper);
  shipper.start();
  return {
    client,
    /** What does not arrive in time is in the journals, and goes out after the next start. */
    async stop(): Promise<void> {
      await shipper.stop();
      const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_SHIPMENT).unref());
      await Promise.race([shipper.drain().catch(() => {}), late]);
      await client.close();
    },
  };
}
