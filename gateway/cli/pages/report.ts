import { reportCsv } from '../../../admin/report-csv.ts';
import type { ReportHeader, Reports } from '../../domain/report.ts';
import { jsonPage } from './json-page.ts';
import { reportList, reportPage, type Paper } from './report-page.ts';
import type { Terminal } from '../terminal.ts';

export type ReportForm = 'page' | 'json' | 'csv';

/** Lists the reports with the questions that they answer. */
export function listReports(
  headers: readonly ReportHeader[],
  terminal: Pick<Terminal, 'out'>,
  form: ReportForm,
  paper: Paper,
): void {
  if (form === 'json') terminal.out(jsonPage(headers));
  else terminal.out(reportList(headers, paper));
}

/** Runs a report and prints it. @throws what `Reports.run` throws */
export async function printReport(
  reports: Pick<Reports, 'run'>,
  terminal: Pick<Terminal, 'out'>,
  asked: { readonly name: string; readonly given: Readonly<Record<string, string>>; readonly form: ReportForm },
  paper: Paper,
): Promise<void> {
  const { name, given, form } = asked;
  const report = await reports.run(name, given);
  if (form === 'json') terminal.out(jsonPage(report));
  else terminal.out(form === 'csv' ? reportCsv(report) : reportPage(report, paper));
}
