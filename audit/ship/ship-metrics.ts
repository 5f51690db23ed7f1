import { Gauge, type Registry } from 'prom-client';
import type { Shipper, SourceStatus } from './shipper.ts';

/** Registers metrics of the delivery to ClickHouse, read from `shipper` at each scrape. */
export function registerShipMetrics(registry: Registry, shipper: Pick<Shipper, 'status'>): void {
  let asking: ReturnType<Shipper['status']> | null = null;
  /** One query for all gauges of a scrape, since it is not free. */
  const ask = () => (asking ??= shipper.status().finally(() => (asking = null)));

  function bySource(name: string, help: string, value: (source: SourceStatus) => number | null): void {
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers: [registry],
      async collect() {
        const { sources } = await ask();
        this.reset();
        for (const source of sources) {
          const known = value(source);
          if (known !== null) this.set({ source: source.name }, known);
        }
      },
    });
  }

  bySource(
    'holdpoint_journal_behind_bytes',
    'Bytes of events not yet delivered to ClickHouse, by journal or outbox',
    ({ behind }) => behind.bytes,
  );
  bySource(
    'holdpoint_journal_behind_events',
    'Events not yet delivered to ClickHouse, where the number is known',
    ({ behind }) => behind.rows,
  );
  bySource(
    'holdpoint_ship_lag_seconds',
    'Age of the oldest event not yet delivered to ClickHouse, in seconds',
    ({ lag }) => lag && lag / 1000,
  );
  bySource('holdpoint_ship_stalled', '1 if the last delivery failed, otherwise 0', ({ stalled }) => (stalled ? 1 : 0));
  bySource('holdpoint_ship_events', 'Events delivered to ClickHouse since control started', ({ shipped }) => shipped);
  new Gauge({
    name: 'holdpoint_ship_refused_events',
    help: 'Events that ClickHouse refused; they are kept in the folder journal/poison',
    registers: [registry],
    async collect() {
      this.set((await ask()).deadLetters);
    },
  });
}
