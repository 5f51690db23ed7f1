import type { ReportColumn, ReportHeader, ReportResult, ReportRow } from '../../domain/report.ts';
import { shade, sparkline } from './report-drawing.ts';
import { reportTable } from './report-table.ts';
import { shown } from './report-values.ts';
import { wrapped } from './report-text.ts';

/** So many lines of a table fit what people read; `--json` and `--csv` have all. */
const LINES = 40;
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** What the terminal can show. */
export type Paper = { readonly width: number; readonly colour: boolean };

/** A report for people. */
export function reportPage(report: ReportResult, { width, colour }: Paper): string {
  const style = (codes: string, text: string) => (colour ? `\u001B[${codes}m${text}\u001B[0m` : text);
  const value = (name: string) => report.parameters.find((parameter) => parameter.name === name)?.value;
  const others = report.parameters.filter(({ name, value }) => name !== 'from' && name !== 'to' && value !== '');
  const period = `${shown(value('from') ?? null, 'time')} to ${shown(value('to') ?? null, 'time')} UTC`;
  const settings = others.map(({ name, type, value }) => {
    const unit = type === 'duration' ? 'ms' : type === 'share' ? 'share' : type === 'step' ? 'ms' : 'text';
    return `${name} ${shown(type === 'step' ? Number(value) * 1000 : value, unit)}`;
  });
  const lines = [
    style('1', report.title),
    ...wrapped(report.question, width),
    ...wrapped([period, ...settings].join(' · '), width).map((line) => style('2', line)),
    '',
  ];
  if (report.rows.length === 0) lines.push('No data in this period.');
  else {
    lines.push(...drawn(report, width));
    lines.push('', ...wrapped(report.act, width).map((line) => style('2', line)));
  }
  return `${lines.join('\n')}\n`;
}

function drawn({ chart, columns, rows }: ReportResult, width: number): string[] {
  // A column in which nothing stands for any row, as where it is summed, is left out; and a cost is shown with its unit.
  const costs = columns.some(({ unit }) => unit === 'cost');
  const filled = columns.filter(
    ({ name }) => !(costs && name === 'cost_unit') && rows.some((row) => !isEmpty(row[name])),
  );
  switch (chart.kind) {
    case 'line':
      return [
        ...series(filled, rows, chart, width),
        '',
        ...table(filled, rows.slice(-LINES), rows.length, width, null),
      ];
    case 'heat':
      return heat(columns, rows, chart);
    default:
      return table(filled, rows.slice(0, LINES), rows.length, width, chart.kind === 'bar' ? chart.value : null);
  }
}

function table(
  columns: readonly ReportColumn[],
  rows: readonly ReportRow[],
  all: number,
  width: number,
  bars: string | null,
): string[] {
  const lines = reportTable(columns, rows, { width, bars });
  return all > rows.length ? [...lines, `… ${rows.length} of ${all} lines; --csv and --json have all.`] : lines;
}

function series(
  columns: readonly ReportColumn[],
  rows: readonly ReportRow[],
  { y }: { readonly y: readonly string[] },
  width: number,
): string[] {
  const names = Math.max(...y.map((name) => name.length));
  return y.map((name) => {
    const unit = columns.find((column) => column.name === name)?.unit ?? 'count';
    const values = rows.map((row) => (typeof row[name] === 'number' ? row[name] : null));
    const known = values.filter((value) => value !== null);
    const range =
      known.length === 0 ? '' : `  ${shown(Math.min(...known), unit)} to ${shown(Math.max(...known), unit)}`;
    const room = Math.max(8, width - names - range.length - 2);
    return `${name.padEnd(names)}  ${sparkline(values.slice(-room))}${range}`;
  });
}

function heat(
  columns: readonly ReportColumn[],
  rows: readonly ReportRow[],
  { x, y, value }: { readonly x: string; readonly y: string; readonly value: string },
): string[] {
  const along = axis(rows, x);
  const down = axis(rows, y);
  const find = (across: number, line: number) => rows.find((row) => row[x] === across && row[y] === line)?.[value];
  const most = Math.max(...rows.map((row) => Number(row[value] ?? 0)));
  const label = (at: number) => (y === 'weekday' ? DAYS[at - 1]! : String(at));
  const names = Math.max(...down.map((at) => label(at).length));
  const unit = columns.find(({ name }) => name === value)?.unit ?? 'count';
  const sum = (line: number) => rows.reduce((all, row) => all + (row[y] === line ? Number(row[value] ?? 0) : 0), 0);
  return [
    `${' '.repeat(names)}  ${along.map((at) => String(at).padStart(2)).join(' ')}`,
    ...down.map((line) => {
      const cells = along.map((at) => shade(Number(find(at, line) ?? 0), most).repeat(2)).join(' ');
      return `${label(line).padEnd(names)}  ${cells}  ${shown(sum(line), unit)}`;
    }),
    `█ is ${shown(most, unit)} ${value} in one ${x}`,
  ];
}

/** Every whole number from the lowest to the highest, so that what is empty is seen. */
function axis(rows: readonly ReportRow[], name: string): number[] {
  const values = rows.map((row) => Number(row[name]));
  const least = Math.min(...values);
  return Array.from({ length: Math.max(...values) - least + 1 }, (_, at) => least + at);
}

/** The reports that there are. */
export function reportList(headers: readonly ReportHeader[], { width }: Paper): string {
  const names = Math.max(...headers.map(({ name }) => name.length));
  const lines = headers.flatMap(({ name, question }) =>
    wrapped(question, Math.max(20, width - names - 2)).map(
      (line, at) => `${(at === 0 ? name : '').padEnd(names)}  ${line}`,
    ),
  );
  return `${lines.join('\n')}\n`;
}

/** What a report can be asked, and what its columns mean. */
export function reportHelp({ title, question, act, parameters, columns }: ReportHeader, { width }: Paper): string {
  const entry = (name: string, about: string) => [
    `  ${name}`,
    ...wrapped(about, width - 4).map((line) => `    ${line}`),
  ];
  return `${[
    title,
    ...wrapped(question, width),
    '',
    'Parameters',
    ...parameters.flatMap(({ name, about, default: given, of }) =>
      entry(
        name,
        [about, ...(of ? [`One of ${of.join(', ')}.`] : []), ...(given === '' ? [] : [`Default ${given}.`])].join(' '),
      ),
    ),
    '',
    'Columns',
    ...columns.flatMap(({ name, about }) => entry(name, about)),
    '',
    'What to do about it',
    ...wrapped(act, width - 2).map((line) => `  ${line}`),
  ].join('\n')}\n`;
}

function isEmpty(value: ReportRow[string] | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}
