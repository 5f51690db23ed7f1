import { EVENT_COLUMNS } from './event-columns.ts';

/**
 * Tokens are remembered for so many inserts. Between a lost acknowledgement and its retry no more may reach a table, or
 * the retry is stored a second time.
 */
const TOKENS = 10_000;
/** And on replicated tables for so long, in seconds: a gateway may be away for a while between the two. */
const TOKENS_KEPT = 30 * 86_400;

/**
 * Table settings that every table with rows has. What an insert brings stays one file, however large: a file for each
 * column would be a hundred to sync. Merged parts have those soon enough.
 */
const DURABLE = [
  'fsync_after_insert = 1',
  'fsync_part_directory = 1',
  'ttl_only_drop_parts = 1',
  'min_bytes_for_wide_part = 67108864',
];

const PLACEHOLDER =
  /\{\{(?:(on cluster|everywhere|durable|event columns|event names)|(local|engine|front) (\w+)(?: by (.+?))?)\}\}/g;

/**
 * A template of `audit/clickhouse/schema`, for one server or for a cluster.
 *
 * | placeholder | stands for |
 * |---|---|
 * | `{{on cluster}}` | on which servers to execute the statement |
 * | `{{local t}}` | the table that holds rows, on each server those of its shard |
 * | `{{engine E}}` | its engine |
 * | `{{durable}}` | its settings |
 * | `{{front t}}`, `{{front t by key}}` | the statement that makes the table over those of all shards; `key` spreads what is inserted |
 * | `{{everywhere}}` | the engine of a table of which every server has all rows |
 * | `{{event columns}}`, `{{event names}}` | the columns that hold members of events |
 */
export function renderSchema(template: string, cluster: string | undefined): string {
  return template.replaceAll(PLACEHOLDER, (_, word: string | undefined, of: string, name: string, key?: string) => {
    switch (word ?? of) {
      case 'on cluster':
        return onCluster(cluster);
      case 'everywhere':
        return cluster === undefined
          ? 'MergeTree'
          : `ReplicatedMergeTree('/clickhouse/tables/everywhere/{database}/{table}', '{shard}-{replica}')`;
      case 'durable':
        return [...tokens(cluster), ...DURABLE].join(', ');
      case 'event columns':
        return EVENT_COLUMNS.map((column) => `${column.name} ${column.definition}`).join(',\n    ');
      case 'event names':
        return EVENT_COLUMNS.map((column) => column.name).join(', ');
      case 'local':
        return localTable(name, cluster);
      case 'engine':
        return cluster === undefined
          ? name
          : `Replicated${name}('/clickhouse/tables/{shard}/{database}/{table}', '{replica}')`;
      default:
        return cluster === undefined ? '' : frontTable(name, cluster, key);
    }
  });
}

/** The name of the table that holds rows. On one server it is the one that everybody knows. */
export function localTable(name: string, cluster: string | undefined): string {
  return `holdpoint.${name}${cluster === undefined ? '' : '_local'}`;
}

export function onCluster(cluster: string | undefined): string {
  return cluster === undefined ? '' : `ON CLUSTER ${quoted(cluster)}`;
}

function tokens(cluster: string | undefined): string[] {
  return cluster === undefined
    ? [`non_replicated_deduplication_window = ${TOKENS}`]
    : [`replicated_deduplication_window = ${TOKENS}`, `replicated_deduplication_window_seconds = ${TOKENS_KEPT}`];
}

function frontTable(name: string, cluster: string, key: string | undefined): string {
  const parameters = [quoted(cluster), 'holdpoint', `${name}_local`, ...(key === undefined ? [] : [key])].join(', ');
  return `CREATE TABLE IF NOT EXISTS holdpoint.${name} ${onCluster(cluster)} AS ${localTable(name, cluster)}
ENGINE = Distributed(${parameters})`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
