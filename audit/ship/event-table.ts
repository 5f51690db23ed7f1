import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { ClickHouseError } from '@clickhouse/client';
import { rowHash, type Checkpoint } from '../ledger/ledger.ts';
import type { Settled } from './ship-state.ts';

/**
 * ClickHouse's error codes that blame the rows: they cannot be parsed or do not fit their columns. Every other failure
 * is the server's or the network's and passes.
 */
const ROW_FAULTS = new Set([
  '6', // CANNOT_PARSE_TEXT
  '25', // CANNOT_PARSE_ESCAPE_SEQUENCE
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '32', // ATTEMPT_TO_READ_AFTER_EOF
  '33', // CANNOT_READ_ALL_DATA
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '53', // TYPE_MISMATCH
  '69', // ARGUMENT_OUT_OF_BOUND
  '70', // CANNOT_CONVERT_TYPE
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '130', // CANNOT_READ_ARRAY_FROM_TEXT
  '131', // TOO_LARGE_STRING_SIZE
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '349', // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  '467', // CANNOT_PARSE_BOOL
]);

/** UNKNOWN_TABLE, UNKNOWN_DATABASE: an empty ClickHouse answers at the address. */
const SCHEMA_FAULTS = new Set(['60', '81']);

/** A line with its number in the chain. */
export type NumberedLine = { readonly seq: number; readonly line: Buffer };

/** Rows of one chain as they are sent: as JSON, each with its place in the chain and its arrival time at its end. */
export type Stamped = { readonly rows: readonly NumberedLine[]; readonly at: number; readonly body: Buffer };

/** @param at when they arrive, milliseconds since the epoch */
export function stamp(rows: readonly NumberedLine[], chain: string, at: number): Stamped {
  const prefix = `,"chain":${JSON.stringify(chain)},"seq":`;
  const suffix = `","shipped_at":${at}}\n`;
  const longest = `${prefix}${Number.MAX_SAFE_INTEGER},"hash":"${rowHash(0, '')}${suffix}`.length;
  const body = Buffer.allocUnsafe(rows.reduce((bytes, { line }) => bytes + line.length + longest, 0));
  let end = 0;
  for (const { seq, line } of rows) {
    end += line.copy(body, end, 0, line.length - 1);
    end += body.write(`${prefix}${seq},"hash":"${rowHash(seq, line)}${suffix}`, end, 'latin1');
  }
  return { rows, at, body: body.subarray(0, end) };
}

/**
 * Events numbered [from, to), or the checkpoints after them. The same delivery always goes out under the same token, from
 * any gateway. The token includes the arrival time: a chain that lost its end with a disk uses numbers again, and those
 * events are not a retry.
 */
type Delivery = {
  readonly chain: string;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly signal: AbortSignal;
};

/** Inserts rows into `holdpoint.events` as one block, once for each delivery however often it is called. */
export async function insertEvents(
  client: ClickHouseClient,
  { body, chain, from, to, at, signal }: Delivery & Pick<Stamped, 'body'>,
): Promise<void> {
  await insert(client, { table: 'events', token: `${chain}/${from}-${to}/${at}`, body, signal });
}

/** Inserts checkpoints into `holdpoint.checkpoints`, once for each delivery. */
export async function insertCheckpoints(
  client: ClickHouseClient,
  { checkpoints, chain, from, to, at, signal }: Delivery & { readonly checkpoints: readonly Checkpoint[] },
): Promise<void> {
  const token = `${chain}/checkpoints/${from}-${to}/${at}`;
  const body = Buffer.from(checkpoints.map((each) => `${JSON.stringify(each)}\n`).join(''));
  await insert(client, { table: 'checkpoints', token, body, signal });
}

/**
 * How many acknowledged events ClickHouse still has: the highest number up to `stored` in the chain, 0 when there is none.
 * Null on replicated tables, where a server may lag and catch up.
 * @param settled.at when `stored` arrived, which limits the search to a month
 */
export async function storedThrough(
  client: ClickHouseClient,
  { chain, stored, at }: Pick<Settled, 'chain' | 'stored' | 'at'>,
): Promise<number | null> {
  const ask = async (query: string): Promise<string | undefined> => {
    const result = await client.query({ query, query_params: { chain, stored, at }, format: 'JSONEachRow' });
    return (await result.json<{ answer: string }>())[0]?.answer;
  };
  const there = await ask(
    `SELECT toString(count()) AS answer FROM holdpoint.events
    WHERE shipped_at = fromUnixTimestamp64Milli({at:Int64}) AND chain = {chain:String} AND seq = {stored:UInt64}`,
  );
  if (there !== '0') return stored;
  const engine = await ask(
    `SELECT engine AS answer FROM system.tables WHERE database = 'holdpoint' AND name = 'events'`,
  );
  if (engine !== 'MergeTree') return null;
  const last = await ask(
    `SELECT toString(max(seq)) AS answer FROM holdpoint.events
    WHERE chain = {chain:String} AND seq <= {stored:UInt64}`,
  );
  return Number(last);
}

/** Whether the rows, and not the server or the way to it, are why an insert failed. */
export function isRowFault(error: unknown): boolean {
  return error instanceof ClickHouseError && ROW_FAULTS.has(error.code);
}

/** Whether the tables are not there (any more), or lack a column that this program writes. */
export function isSchemaFault(error: unknown): boolean {
  if (!(error instanceof ClickHouseError)) return false;
  return SCHEMA_FAULTS.has(error.code) || /\bunknown field\b/i.test(error.message);
}

/**
 * Settings are part of the statement. Settings of a request stick to the embedded engine's connection, and a token that
 * stuck would make it drop every later insert silently.
 */
async function insert(
  client: ClickHouseClient,
  { table, token, body, signal }: { table: string; token: string; body: Buffer; signal: AbortSignal },
): Promise<void> {
  // A quote would end the string (SQL injection). We name the chains, but a journal could be forged.
  if (!/^[\w./-]+$/.test(token)) throw new Error(`Invalid chain name in ${token}`);
  const settings = [
    'async_insert = 0',
    // With a Distributed table: acknowledged when the shards have the rows.
    'distributed_foreground_insert = 1',
    `insert_deduplication_token = '${token}'`,
    'deduplicate_blocks_in_dependent_materialized_views = 1',
    // One block, so that the batch is stored as a whole or not at all.
    'input_format_parallel_parsing = 0',
    // A member without a column must be an error, not a lost value.
    'input_format_skip_unknown_fields = 0',
    // `input` is JSON, and its column a text: it is stored as it is written, byte for byte.
    'input_format_json_read_objects_as_strings = 1',
    'input_format_import_nested_json = 0',
  ];
  const { stream } = await client.exec({
    query: `INSERT INTO holdpoint.${table} SETTINGS ${settings.join(', ')} FORMAT JSONEachRow`,
    values: Readable.from([body], { objectMode: false }),
    abort_signal: signal,
  });
  stream.destroy();
}
