import { Gauge, type Registry } from 'prom-client';
import type { Shipper, SourceStatus } from './shipper.ts';

/** Registers how the record's delivery to ClickHouse stands, as `shipper` says at each scrape. */
export function registerShipMetrics(registry: Registry, shipper: Pick<Shipper, 'status'>): void {
  let asking: ReturnType<Shipper['status']> | null = null;
  /** One question for all that are collected at a time: it is not free. */
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
    'Bytes of events that ClickHouse does not have yet, by journal or outbox',
    ({ behind }) => behind.bytes,
  );
  bySource(
    'holdpoint_journal_behind_events',
    'Events that ClickHouse does not have yet, where that is known',
    ({ behind }) => behind.rows,
  );
  bySource(
    'holdpoint_ship_lag_seconds',
    'Seconds since the oldest event happened that ClickHouse does not have',
    ({ lag }) => lag && lag / 1000,
  );
  bySource('holdpoint_ship_stalled', 'Whether the last delivery failed: 1 or 0', ({ stalled }) => (stalled ? 1 : 0));
  bySource('holdpoint_ship_events', 'Events delivered since control started', ({ shipped }) => shipped);
  new Gauge({
    name: 'holdpoint_ship_refused_events',
    help: 'Events that ClickHouse refuses for what they are: they lie in the folder journal/poison',
    registers: [registry],
    async collect() {
      this.set((await ask()).poison);
    },
  });
}
