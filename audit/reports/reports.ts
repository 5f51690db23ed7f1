import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Clock } from '../../gateway/domain/clock.ts';
import { ReportTookTooLong, UnknownReport, type ReportRow, type Reports } from '../../gateway/domain/report.ts';
import { parseReport, type Report } from './report-header.ts';
import { bindParameters, type BoundParameter } from './report-parameters.ts';

const FOLDER = import.meta.dirname;

/** Longest that a report may take, in seconds. */
const PATIENCE = 20;

/**
 * Part of the statement: settings of a request would stick to the embedded engine's connection. A report gets only a part
 * of the memory, because events arrive meanwhile.
 */
const SETTINGS = [
  'max_memory_usage = 700000000',
  'output_format_json_quote_64bit_integers = 0',
  'output_format_json_quote_denormals = 0',
  "date_time_output_format = 'iso'",
  // A left join without a match gives null, not an empty string or the year 1970.
  'join_use_nulls = 1',
].join(', ');

/** UNKNOWN_TABLE, UNKNOWN_DATABASE: no event was recorded yet. */
const NOT_THERE = new Set(['60', '81']);
/** TIMEOUT_EXCEEDED, TOO_SLOW */
const TOO_LONG = new Set(['159', '160']);

/** The reports that come with Holdpoint: every `.sql` file of the folder. @throws BadReport */
export async function loadReports(folder = FOLDER): Promise<readonly Report[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return await Promise.all(
    files.map(async (file) => {
      const path = join(folder, file);
      return parseReport(file.slice(0, -'.sql'.length), relative(process.cwd(), path), await readFile(path, 'utf8'));
    }),
  );
}

/**
 * Runs reports on the ClickHouse of `client`; they are as fresh as the last batch that was shipped.
 * @param options.patience longest that one may take, in whole seconds
 */
export function createReports(
  client: ClickHouseClient,
  reports: readonly Report[],
  { clock = Date.now, patience = PATIENCE }: { readonly clock?: Clock; readonly patience?: number } = {},
): Reports {
  const headers = reports.map(({ header }) => header);
  return {
    list: () => headers,
    async run(name, given) {
      const report = reports.find(({ header }) => header.name === name);
      if (!report) throw new UnknownReport(`There is no report "${name}".`);
      const { header, sql } = report;
      const bound = bindParameters(header.parameters, given, clock());
      const { data, statistics } = await ask(client, { sql, bound, patience });
      return {
        ...header,
        parameters: bound.map(({ parameter, value }) => ({ ...parameter, value })),
        rows: data,
        statistics,
      };
    },
  };
}

type Answer = {
  readonly data: readonly ReportRow[];
  readonly statistics: { readonly elapsed: number; readonly rows_read: number; readonly bytes_read: number };
};

type Question = { readonly sql: string; readonly bound: readonly BoundParameter[]; readonly patience: number };

async function ask(client: ClickHouseClient, { sql, bound, patience }: Question): Promise<Answer> {
  try {
    const result = await client.query({
      query: `${sql}\nSETTINGS ${SETTINGS}, max_execution_time = ${patience}`,
      query_params: Object.fromEntries(bound.map(({ parameter, bound }) => [parameter.name, bound])),
      format: 'JSON',
    });
    const { data, statistics } = await result.json<ReportRow>();
    return { data, statistics: { elapsed: 0, rows_read: 0, bytes_read: 0, ...statistics } };
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (NOT_THERE.has(code)) return { data: [], statistics: { elapsed: 0, rows_read: 0, bytes_read: 0 } };
    if (TOO_LONG.has(code))
      throw new ReportTookTooLong(`It took longer than ${patience} s. Ask for a shorter period.`, { cause: error });
    throw error;
  }
}
