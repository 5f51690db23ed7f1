import { ServerException } from './exception.ts';
import { checkText, type Reading } from './statement.ts';
import { tokenize } from './tokens.ts';

/** The limits of one analyst's query. */
export type QueryLimits = {
  /** Seconds. */
  readonly max_execution_time: number;
  /** Bytes. */
  readonly max_memory_usage: number;
  readonly max_threads: number;
  readonly max_result_rows: number;
  /** Bytes, both before and after formatting. */
  readonly max_result_bytes: number;
  /** Bytes that grouping, sorting and joining may spill to disk. */
  readonly max_temporary_data_on_disk_size_for_query: number;
};

/** Settings that change how a result looks or which rows it has, and neither what a query reaches nor what it uses. */
const HONOURED =
  /^(?:output_format_(?!schema)\w+|format_(?:csv|tsv|custom|display|binary|write)\w*|date_time_(?:in|out)put_format|session_timezone|extremes|join_use_nulls|group_by_use_nulls|union_default_mode|(?:except|intersect)_default_mode|prefer_column_name_to_alias|aggregate_functions_null_for_empty|final|offset|max_block_size|max_rows_to_read|max_bytes_to_read|read_overflow_mode|low_cardinality_allow_in_native_format|cast_keep_nullable|any_join_distinct_right_table_keys|joined_subquery_requires_alias|transform_null_in|null_as_default|show_table_uuid_in_table_create_query_if_not_nil|format_schema_message_name)$/;

/** Filters: SQL in a string. */
const FILTERS = new Set(['additional_table_filters', 'additional_result_filter']);

/** Settings for what is not here (inserts, logs, networks, sessions), or that change only how fast an answer comes. */
const IGNORED =
  /^(?:(?:allow|async|cancel|compile|connect|distributed|enable|http|input_format|insert|interactive|keep_alive|load_balancing|log|max_insert|network|optimize|prefer_localhost|priority|query|receive|replication|send|session|throw|use|wait)_\w+|priority|(?:query|session|quota)_(?:id|key)|send_timeout|receive_timeout|role|stacktrace|buffer_size|client_protocol_version|close_session|compress|decompress|user|password|wait_end_of_query|enable_analyzer|mutations_sync|max_query_size|select_sequential_consistency)$/;

export type Given = { readonly name: string; readonly literal: string };

/**
 * The assignments for a query's connection: the client's settings, then the limits, then `readonly`, after which no setting
 * can change. A client may lower a limit; asking for more gives the limit.
 * @throws ServerException UNKNOWN_SETTING or READONLY, as a server does
 */
export function assign(
  given: Iterable<Given>,
  { limits, known, reading }: { limits: QueryLimits; known: ReadonlySet<string>; reading: Reading },
): string[] {
  const wanted: string[] = [];
  const bounded = new Map<string, number>(Object.entries(limits));
  let rows = Infinity;
  let cuts = false;
  for (const { name, literal } of given) {
    const bound = bounded.get(name);
    if (bound !== undefined) bounded.set(name, lower(name, literal, bound));
    else if (name === 'limit') rows = lower(name, literal, Infinity);
    else if (name === 'result_overflow_mode') cuts = readOverflowMode(literal) === 'break';
    else if (HONOURED.test(name)) wanted.push(`${name} = ${literal}`);
    else if (FILTERS.has(name)) {
      for (const { kind, value } of tokenize(literal)) if (kind === 'text') checkText(value, reading);
      if (/\\[^\\'"`]/.test(literal))
        throw new ServerException(36, 'BAD_ARGUMENTS', `Escapes in ${name} are not supported.`);
      wanted.push(`${name} = ${literal}`);
    } else if (name === 'readonly' ? !/^'?[12]'?$/.test(literal) : !IGNORED.test(name)) {
      throw known.has(name)
        ? new ServerException(164, 'READONLY', `Cannot modify '${name}' setting in readonly mode.`)
        : new ServerException(115, 'UNKNOWN_SETTING', `Unknown setting '${name}'.`);
    }
  }
  // JDBC's setMaxRows: so many rows, and no error. Under `break` the engine would also cut a result that exceeds a limit
  // of ours, in rows or bytes, and nothing would tell the analyst. So only the client's own limit cuts.
  if (cuts) {
    rows = Math.min(rows, bounded.get('max_result_rows')!);
    bounded.set('max_result_rows', limits.max_result_rows);
  }
  if (rows < limits.max_result_rows) wanted.push(`limit = ${rows}`);
  return [...wanted, ...[...bounded].map(([name, value]) => `${name} = ${value}`), ...ALWAYS];
}

function readOverflowMode(literal: string): 'throw' | 'break' {
  const mode = literal.replaceAll("'", '');
  if (mode === 'throw' || mode === 'break') return mode;
  const text = `Unexpected value of OverflowMode: '${mode}'. Must be one of ['throw', 'break'].`;
  throw new ServerException(36, 'BAD_ARGUMENTS', text);
}

const ALWAYS = [
  "result_overflow_mode = 'throw'",
  "timeout_overflow_mode = 'throw'",
  'allow_introspection_functions = 0',
  'implicit_select = 0',
  'use_query_cache = 0',
  // When the engine is short of memory, the analyst's query is stopped and not the writer's.
  'memory_overcommit_ratio_denominator = 1048576',
  'readonly = 1',
];

/** Zero means no limit to ClickHouse. */
function lower(name: string, literal: string, bound: number): number {
  const value = Number(literal.replaceAll("'", ''));
  if (!Number.isFinite(value) || value < 0) {
    throw new ServerException(72, 'CANNOT_PARSE_NUMBER', `Cannot parse number ${literal} for setting ${name}.`);
  }
  return value === 0 ? bound : Math.min(value, bound);
}
