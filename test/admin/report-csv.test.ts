import { expect, test } from 'vitest';
import { reportCsv } from '../../admin/report-csv.ts';
import type { ReportColumn, ReportValue } from '../../gateway/domain/report.ts';

const columns: readonly ReportColumn[] = [
  { name: 'agent', unit: 'text', about: '' },
  { name: 'calls', unit: 'count', about: '' },
];
const csv = (...cells: (readonly [ReportValue, ReportValue])[]) =>
  reportCsv({ columns, rows: cells.map(([agent, calls]) => ({ agent, calls })) });

test('a report is a header line and a line for each row, each ended by CRLF (RFC 4180)', () => {
  expect(csv(['billing-bot', 3], ['mail-bot', null])).toBe('agent,calls\r\nbilling-bot,3\r\nmail-bot,\r\n');
  expect(csv()).toBe('agent,calls\r\n');
});

test('a value that would break a line or a cell is quoted', () => {
  expect(csv(['a,b', 1])).toBe('agent,calls\r\n"a,b",1\r\n');
  expect(csv(['say "no"', 1])).toBe('agent,calls\r\n"say ""no""",1\r\n');
  expect(csv(['two\r\nlines', 1])).toBe('agent,calls\r\n"two\r\nlines",1\r\n');
  expect(csv([['a', 'b'], 1])).toBe('agent,calls\r\n"a, b",1\r\n');
});

test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])(
  'text that a spreadsheet would run, as %j, does not run',
  (text) => {
    const cell = csv([text, 1]).split('\r\n')[1];
    expect(cell?.replace(/^"/, '').startsWith("'")).toBe(true);
  },
);

test('a number stays a number, even below zero', () => {
  expect(csv(['x', -1.5])).toBe('agent,calls\r\nx,-1.5\r\n');
});
