import { Counter, Gauge, type Registry } from 'prom-client';
import type { JournalStatus } from './journal.ts';

type Reading = (status: JournalStatus) => number;

const GAUGES: Readonly<Record<string, readonly [help: string, read: Reading]>> = {
  holdpoint_journal_bytes: ['Bytes of events in the journal on disk', ({ bytes }) => bytes],
  holdpoint_journal_limit_bytes: ['Most bytes that the journal may take', ({ limit }) => limit],
  holdpoint_journal_full: ['1 while the journal has reached its limit', ({ full }) => Number(full)],
  holdpoint_journal_fault: ['1 while the journal cannot be written to disk', ({ fault }) => Number(fault !== null)],
};

const COUNTERS: Readonly<Record<string, readonly [help: string, read: Reading]>> = {
  holdpoint_journal_appended_total: ['Events appended to the journal', ({ appended }) => appended],
  holdpoint_journal_lost_total: [
    'Events lost in memory when the disk failed, before they were durable',
    ({ lost }) => lost,
  ],
  holdpoint_journal_shed_total: ['Events of allowed reads not recorded for lack of room', ({ shed }) => shed],
};

/** The metrics of one journal, read at each scrape. Each process has one journal, and so its own series. */
export function registerJournalMetrics(registry: Registry, journal: string, status: () => JournalStatus): void {
  for (const [name, [help, read]] of Object.entries(GAUGES)) {
    new Gauge({
      name,
      help,
      labelNames: ['journal'],
      registers: [registry],
      collect() {
        this.set({ journal }, read(status()));
      },
    });
  }
  for (const [name, [help, read]] of Object.entries(COUNTERS)) {
    new Counter({
      name,
      help,
      labelNames: ['journal'],
      registers: [registry],
      collect() {
        this.reset();
        this.inc({ journal }, read(status()));
      },
    });
  }
}
