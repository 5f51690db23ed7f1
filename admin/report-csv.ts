import type { ReportResult, ReportValue } from '../gateway/domain/report.ts';

/**
 * A report as CSV (RFC 4180): a header line, CRLF, quotes where they are needed.
 *
 * Text comes from agents and systems. A cell that a spreadsheet would read as a formula (it begins with `=`, `+`, `-`,
 * `@`, a tab or a carriage return: CSV injection, CWE-1236) is prefixed with an apostrophe, which spreadsheets read as text.
 * Numbers are unchanged. The JSON form has every text byte for byte.
 */
export function reportCsv({ columns, rows }: Pick<ReportResult, 'columns' | 'rows'>): string {
  const lines = [
    columns.map(({ name }) => quoted(name)),
    ...rows.map((row) => columns.map(({ name }) => cell(row[name] ?? null))),
  ];
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('');
}

function cell(value: ReportValue): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = typeof value === 'string' ? value : value.join(', ');
  return quoted(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
