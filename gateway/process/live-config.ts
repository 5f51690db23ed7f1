import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { createConfigKeeper, type ReadBy } from './config-keeper.ts';
import type { ConfigNews, ToControl, ToWorker } from './messages.ts';
import { packConfig } from './packed-config.ts';

type StartOf<Message> = Extract<Message, { readonly type: 'start' }>;

/** The configuration in force, and what the processes have to hear of its changes. */
export type LiveConfig = {
  readonly current: Config;
  /** The reading that is in force; 0 is the start. */
  readonly number: number;
  readonly forWorker: Pick<StartOf<ToWorker>, 'config' | 'number'>;
  readonly forControl: Pick<StartOf<ToControl>, 'config' | 'configuredAt' | 'latest' | 'news'>;
  read(by: ReadBy): void;
  /** Control has recorded a reading. */
  noted(number: number): void;
  stop(): void;
};

export function createLiveConfig(deps: {
  readonly config: Config;
  readonly log: Logger;
  readonly tellWorkers: (message: ToWorker) => void;
  readonly tellControl: (message: ToControl) => void;
  readonly changed: (config: Config) => void;
}): LiveConfig {
  const { log, tellWorkers, tellControl, changed } = deps;
  let current = deps.config;
  let packed = packConfig(current);
  let configuredAt = Date.now();
  let number = 0;
  let readings = 0;
  let latest: ConfigNews | null = null;
  /** Readings that control has not recorded. */
  let news: readonly ConfigNews[] = [];

  function publish(reading: Omit<ConfigNews, 'number' | 'at'>, config: Config | null): void {
    latest = { ...reading, number: ++readings, at: Date.now() };
    news = [...news, latest];
    if (config) {
      current = config;
      packed = packConfig(config);
      number = readings;
      configuredAt = latest.at;
      tellWorkers({ type: 'configure', number, config: packed });
      changed(config);
    }
    tellControl({ type: 'configure', config: config && packed, news: latest });
  }

  const keeper = createConfigKeeper({
    config: deps.config,
    onChanged({ config, fields, needsRestart, departures }, by) {
      if (fields.length > 0) log.info({ by, fields }, 'the configuration changed');
      if (needsRestart.length > 0) log.warn({ by, fields: needsRestart }, 'these saved changes need a restart');
      publish({ by, fields, needsRestart, departures, refused: null }, config);
    },
    onRefused(problems, by) {
      log.error({ by, problems }, 'the saved configuration is invalid; the old one stays in force');
      publish({ by, fields: [], needsRestart: latest?.needsRestart ?? [], departures: [], refused: problems }, null);
    },
  });

  return {
    get current() {
      return current;
    },
    get number() {
      return number;
    },
    get forWorker() {
      return { config: packed, number };
    },
    get forControl() {
      return { config: packed, configuredAt, latest, news };
    },
    read: keeper.read,
    noted(recorded) {
      news = news.filter((one) => one.number > recorded);
    },
    stop: keeper.stop,
  };
}
