import type { JournalReport, JournalsReport } from '../../../audit/journal/journal-status.ts';
import { plain } from './plain-text.ts';
import { table } from './table.ts';

const HEAD = ['JOURNAL', 'CHAIN', 'EVENTS', 'IN CLICKHOUSE', 'WAITING', 'SEGMENTS', 'DAMAGED'];

/** Journals as a table, one a line, and what needs attention. */
export function journalList({ journals, poison }: JournalsReport): string {
  if (journals.length === 0) return 'No journals.\n';
  const lines = table([HEAD, ...journals.map(row)]);
  for (const { name, damaged } of journals) {
    for (const file of damaged) lines.push(`${plain(name)}/damaged/${plain(file)}`);
  }
  if (poison > 0) lines.push(`${poison} events that ClickHouse refused are in poison/.`);
  return `${lines.join('\n')}\n`;
}

function row({ name, chain, segments, bytes, first, last, shipped, waiting, damaged }: JournalReport): string[] {
  return [
    plain(name),
    chain ?? '-',
    first === null ? 'none' : `${first} to ${last}`,
    shipped === null ? 'unknown' : shipped === 0 ? 'none' : `up to ${shipped}`,
    waiting.rows === 0 ? 'none' : `${waiting.rows ?? '?'} (${size(waiting.bytes)})`,
    `${segments} (${size(bytes)})`,
    String(damaged.length),
  ];
}

function size(bytes: number | null): string {
  if (bytes === null) return '?';
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** unit;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
