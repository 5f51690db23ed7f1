import { Readable } from 'node:stream';
import type { ClickHouseClient } from '@clickhouse/client';
import { ClickHouseError } from '@clickhouse/client';

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

/** UNKNOWN_TABLE, UNKNOWN_DATABASE: another, empty ClickHouse answers at the address. */
const SCHEMA_FAULTS = new Set(['60', '81']);

/**
 * Inserts rows into `holdpoint.events` as one block, once for each token however often it is called.
 *
 * The settings stand in the statement because settings given with a request stick to the embedded engine's connection:
 * a token that stuck would make it drop every later insert in silence. `token` must hold no quote or backslash.
 */
export async function insertEvents(
  client: ClickHouseClient,
  { rows, at, token, signal }: { rows: readonly Buffer[]; at: number; token: string; signal: AbortSignal },
): Promise<void> {
  const settings = [
    'async_insert = 0',
    `insert_deduplication_token = '${token}'`,
    'deduplicate_blocks_in_dependent_materialized_views = 1',
    // One block, so that the batch is stored as a whole or not at all.
    'input_format_parallel_parsing = 0',
    // A member without a column is an error to see, not a value to lose.
    'input_format_skip_unknown_fields = 0',
    // Text from agents may hold half a surrogate pair. It must not keep its event out of the record.
    'input_format_json_throw_on_bad_escape_sequence = 0',
  ];
  const { stream } = await client.exec({
    query: `INSERT INTO holdpoint.events SETTINGS ${settings.join(', ')} FORMAT JSONEachRow`,
    values: Readable.from([stamp(rows, at)], { objectMode: false }),
    abort_signal: signal,
  });
  stream.destroy();
}

/** Whether the rows, and not the server or the way to it, are why an insert failed. */
export function isRowFault(error: unknown): boolean {
  return error instanceof ClickHouseError && ROW_FAULTS.has(error.code);
}

/** Whether the table is not there (any more). */
export function isSchemaFault(error: unknown): boolean {
  return error instanceof ClickHouseError && SCHEMA_FAULTS.has(error.code);
}

/** The rows as lines, each with the batch's arrival time as its last member. */
function stamp(rows: readonly Buffer[], at: number): Buffer {
  const suffix = Buffer.from(`,"shipped_at":${at}}\n`);
  const parts: Buffer[] = [];
  for (const row of rows) parts.push(row.subarray(0, -1), suffix);
  return Buffer.concat(parts);
}
