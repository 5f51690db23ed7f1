import { createReports, loadReports } from '../../audit/reports/reports.ts';
import { loadConfig } from '../config/config.ts';
import { ReportTookTooLong, type ReportHeader } from '../domain/report.ts';
import { openClickHouse } from '../process/open-clickhouse.ts';
import { CommandFailed, defineCommand } from './command.ts';
import { CONFIG, didYouMean, JSON_OUTPUT, UsageError } from './options.ts';
import { reportHelp, type Paper } from './pages/report-page.ts';
import { listReports, printReport } from './pages/report.ts';

/** Where the width of the terminal is not known, as in a pipe. */
const WIDTH = 120;

/** Lists reports, explains one, or runs it. */
export const report = defineCommand({
  parameters: ['[NAME]'],
  options: {
    from: { value: 'TIME', help: 'start of the period, such as 30d (ago), 2026-01-01 or 2026-01-01T08:00:00Z' },
    to: { value: 'TIME', help: 'end of the period, itself not part of it' },
    set: { value: 'NAME=VALUE', multiple: true, help: 'another parameter, such as owner=ana@example.com; repeatable' },
    json: JSON_OUTPUT,
    csv: { help: 'print CSV, for spreadsheets' },
    config: CONFIG,
  },
  notes: [
    'Without NAME, the list of reports. "npx holdpoint report NAME --help" explains the parameters and columns of one.',
  ],
  async helpOn([name]) {
    return name === undefined ? undefined : reportHelp(headerOf(await loadReports(), name), paper());
  },
  async run({ args: [name], values, terminal }) {
    const { from, to, set, json, csv, config } = values;
    if (json && csv) throw new UsageError('Pass --json or --csv, not both.');
    const form = json ? 'json' : csv ? 'csv' : 'page';
    const files = await loadReports();
    if (name === undefined) {
      listReports(
        files.map(({ header }) => header),
        terminal,
        form,
        paper(),
      );
      return 0;
    }
    // A misspelt name is told before anything is opened.
    headerOf(files, name);
    const given = { ...settings(set), ...(from && { from }), ...(to && { to }) };
    const clickhouse = await openClickHouse(loadConfig(config));
    try {
      await printReport(createReports(clickhouse.client, files), terminal, { name, given, form }, paper());
      return 0;
    } catch (cause) {
      throw cause instanceof ReportTookTooLong ? new CommandFailed(cause.message, { cause }) : cause;
    } finally {
      await clickhouse.close();
    }
  },
});

function headerOf(files: readonly { readonly header: ReportHeader }[], name: string): ReportHeader {
  const headers = files.map(({ header }) => header);
  const found = headers.find((header) => header.name === name);
  if (found) return found;
  const guess = didYouMean(
    name,
    headers.map(({ name }) => name),
  );
  throw new CommandFailed(`There is no report "${name}".${guess}\n"npx holdpoint report" lists them.`);
}

function paper(): Paper {
  return {
    width: process.stdout.columns ?? WIDTH,
    colour: process.stdout.isTTY && process.stdout.hasColors(),
  };
}

function settings(set: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    set.map((each) => {
      const at = each.indexOf('=');
      if (at < 1) throw new UsageError('--set: expected NAME=VALUE, such as owner=ana@example.com.');
      return [each.slice(0, at), each.slice(at + 1)];
    }),
  );
}
