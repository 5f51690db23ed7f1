import { parseArgs } from 'node:util';
import { createReports, loadReports } from '../../audit/reports/reports.ts';
import { plain } from './pages/plain-text.ts';
import { reportHelp, type Paper } from './pages/report-page.ts';
import { listReports, printReport, type ReportForm } from './pages/report.ts';
import { terminal } from './terminal.ts';
import { ConfigError, loadConfig } from '../config/config.ts';
import { BadParameter, ReportTookTooLong, UnknownReport } from '../domain/report.ts';
import { ClickHouseUnavailable, openClickHouse } from '../process/open-clickhouse.ts';

const REPORT_HELP = `Questions asked of the record in ClickHouse:

  report                       the reports that there are
  report NAME [--from 30d] [--to now] [--set NAME=VALUE …] [--json | --csv]
  report NAME --help           its parameters, and what its columns mean

  --from, --to         a moment in UTC, such as 2026-01-01 or 2026-01-01T08:00:00Z, or how long ago, such as 30d
  --set NAME=VALUE     another parameter, such as --set owner=ana@example.com
  --json, --csv        for scripts and spreadsheets
  --config FILE        the configuration; by default holdpoint.yaml

  Exit code 0: done. 1: refused or failed. 2: the command was not understood.
`;

/** Where nobody says how wide the terminal is, as in a pipe. */
const WIDTH = 120;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;

/** The command was not understood. */
class Misunderstood extends Error {}

/** `report`: lists reports, explains one, or runs it. */
export async function report(args: string[]): Promise<number> {
  try {
    await carryOut(args);
    return 0;
  } catch (error) {
    const { code } = error as { readonly code?: string };
    const misunderstood = error instanceof Misunderstood || code?.startsWith('ERR_PARSE_ARGS');
    const told = [BadParameter, UnknownReport, ReportTookTooLong, ConfigError, ClickHouseUnavailable].some(
      (kind) => error instanceof kind,
    );
    if (!misunderstood && !told) throw error;
    terminal.err(`${(error as Error).message.split('\n').map(plain).join('\n')}\n`);
    if (error instanceof UnknownReport) terminal.err('"report" lists those that there are.\n');
    if (misunderstood) terminal.err(`\n${REPORT_HELP}`);
    return misunderstood ? 2 : 1;
  }
}

async function carryOut(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      from: text,
      to: text,
      set: { ...text, multiple: true, default: [] },
      json: flag,
      csv: flag,
      config: { ...text, default: 'holdpoint.yaml' },
      help: { ...flag, short: 'h' },
    },
  });
  const [name, ...more] = positionals;
  if (more.length > 0) throw new Misunderstood('Name one report.');
  if (values.json && values.csv) throw new Misunderstood('Say --json or --csv.');
  const form: ReportForm = values.json ? 'json' : values.csv ? 'csv' : 'page';
  const paper: Paper = {
    width: process.stdout.columns ?? WIDTH,
    colour: process.stdout.isTTY && process.stdout.hasColors(),
  };

  const files = await loadReports();
  const headers = files.map(({ header }) => header);
  if (values.help && name === undefined) return terminal.out(REPORT_HELP);
  if (name === undefined) return listReports(headers, terminal, form, paper);
  // Before anything is opened, so that a misspelt name is told at once.
  const header = headers.find((one) => one.name === name);
  if (!header) throw new UnknownReport(`There is no report "${name}".`);
  if (values.help) return terminal.out(reportHelp(header, paper));

  const given = {
    ...settings(values.set),
    ...(values.from && { from: values.from }),
    ...(values.to && { to: values.to }),
  };
  const clickhouse = await openClickHouse(loadConfig(values.config));
  try {
    await printReport(createReports(clickhouse.client, files), terminal, { name, given, form }, paper);
  } finally {
    await clickhouse.close();
  }
}

function settings(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw new Misunderstood('--set: expected NAME=VALUE, such as --set owner=ana@example.com.');
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}
