import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Config } from '../../config/config.ts';
import type { Departure } from '../../config/changes.ts';
import type { SuspensionStore } from '../../domain/suspension.ts';
import { unlessAway } from '../../enforce/release/releases.ts';
import type { ConfigNews } from '../messages.ts';
import type { RecordStep } from './record-step.ts';

/** Milliseconds until what departed is ended again, if the store was unavailable. */
const RETRY = 1_000;

/** What `GET /api/config` tells. */
export type ConfigStatus = {
  /** When the configuration in force was read. */
  readonly since: number;
  /** Saved fields that come into force with the next start. */
  readonly needsRestart: readonly string[];
  /** Why the saved file is not in force; null if it is. */
  readonly refused: { readonly at: number; readonly reasons: readonly string[] } | null;
};

export type Configuration = {
  status(): ConfigStatus;
  /** Takes the outcome of a reading. @param config the configuration that comes into force; null for none */
  take(config: Config | null, news: ConfigNews): void;
  /** Every worker serves calls under this reading. */
  inForce(number: number): void;
};

/** Control's part in a change of the configuration: it applies and records it, and ends what those who departed left. */
export function createConfiguration(deps: {
  readonly since: number;
  readonly latest: ConfigNews | null;
  readonly apply: (config: Config) => void;
  readonly suspensions: Pick<SuspensionStore, 'end'>;
  /** Ends the sessions of a reviewer, except those under tokens that are configured now. Says how many. */
  readonly revokeSessions: (reviewer: string, reason: string) => Promise<number>;
  /** The reading is recorded, and its departures are ended. */
  readonly noted: (number: number) => void;
  readonly record: RecordStep;
  readonly registry: Registry;
  readonly log: Logger;
}): Configuration {
  const { apply, suspensions, revokeSessions, noted, record, registry, log } = deps;
  let since = deps.since;
  let latest = deps.latest;
  /** Readings in force here that may not be in force on all workers. */
  let pending: ConfigNews[] = [];
  const changes = new Counter({
    name: 'holdpoint_config_changes_total',
    help: 'Changes to the configuration file, by result (applied or refused)',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['applied', 'refused']) changes.inc({ result }, 0);
  new Gauge({
    name: 'holdpoint_config_in_force',
    help: '1 if the saved configuration is in force, 0 if it is broken or a part of it needs a restart',
    registers: [registry],
    collect() {
      this.set(latest && (latest.refused || latest.needsRestart.length > 0) ? 0 : 1);
    },
  });

  function recordNews({ by, fields, refused }: ConfigNews): void {
    const channel = by;
    if (refused) record('config.refused', { channel, reason: refused.join('\n') });
    else if (fields.length > 0) record('config.changed', { channel, changes: [...fields] });
    if (refused || fields.length > 0) changes.inc({ result: refused ? 'refused' : 'applied' });
  }

  async function end({ reason, reviewer, ...whose }: Departure): Promise<void> {
    if (reviewer !== undefined) {
      const sessions = await revokeSessions(reviewer, reason);
      log.info({ reviewer, sessions }, reason);
      return;
    }
    const superseded = await suspensions.end(whose, reason);
    log.info({ ...whose, superseded }, reason);
  }

  async function endAll(news: ConfigNews): Promise<void> {
    const { number, departures } = news;
    try {
      for (const departure of departures) await end(departure);
      noted(number);
    } catch (err) {
      unlessAway(err, () => log.error({ err }, 'what departed agents and reviewers left could not be ended; retrying'));
      setTimeout(() => void endAll(news), RETRY).unref();
    }
  }

  return {
    status: () => ({
      since,
      needsRestart: latest?.needsRestart ?? [],
      refused: latest?.refused ? { at: latest.at, reasons: latest.refused } : null,
    }),
    take(config, news) {
      latest = news;
      recordNews(news);
      if (!config) {
        noted(news.number);
        return;
      }
      since = news.at;
      apply(config);
      pending.push(news);
    },
    inForce(number) {
      const known = pending.filter((news) => news.number <= number);
      pending = pending.filter((news) => news.number > number);
      if (known.length > 0)
        log.info(
          { fields: [...new Set(known.flatMap(({ fields }) => fields))] },
          'configuration in force on all workers',
        );
      for (const news of known) void endAll(news);
    },
  };
}
