import type { ReportColumn, ReportRow, Unit } from '../../domain/report.ts';
import { bar } from './report-drawing.ts';
import { shown } from './report-values.ts';
import { wrapped } from './report-text.ts';

const GAP = 2;
const BARS = { least: 6, most: 24 };
/** Text that is longer than this stands below its line, when the line gets too wide with it. */
const LONG = 40;
/** Text is cut to this for the sake of bars, and to less only where the line is too wide without them. */
const READABLE = 24;
const SHORT = 12;
const INDENT = '    ';

/** A column as it is printed. */
type Lane = {
  readonly column: ReportColumn;
  readonly cells: readonly string[];
  readonly textual: boolean;
  width: number;
};

/**
 * Rows as aligned columns, numbers to the right. Beside them stand the bars of the column `bars`, if there is room. Where
 * there is too little for the columns, long text goes below its line, and the widest of the rest is cut.
 */
export function reportTable(
  columns: readonly ReportColumn[],
  rows: readonly ReportRow[],
  { width, bars }: { readonly width: number; readonly bars: string | null },
): string[] {
  let lanes = columns.map((column): Lane => {
    const cells = rows.map((row) => shown(row[column.name], column.unit, row));
    const textual = column.unit === 'text' || column.unit === 'names';
    return { column, cells, textual, width: Math.max(size(column.name), ...cells.map(size)) };
  });
  const beside = bars === null ? width : width - BARS.least - GAP;
  const below = taken(lanes) > beside ? lanes.filter((lane) => lane.textual && lane.width > LONG) : [];
  lanes = lanes.filter((lane) => !below.includes(lane));
  const cut = lanes.map((lane) => (lane.textual ? { ...lane, width: Math.min(lane.width, READABLE) } : lane));
  const room = taken(cut) <= beside ? beside : width;
  while (taken(lanes) > room) {
    const widest = lanes.filter(({ textual, width }) => textual && width > SHORT).sort((a, b) => b.width - a.width)[0];
    if (!widest) break;
    widest.width -= 1;
  }

  const drawn = columns.find(({ name }) => name === bars);
  const barWidth = Math.min(BARS.most, width - taken(lanes) - GAP);
  const most = drawn && barWidth >= BARS.least ? highest(rows, drawn) : null;
  const line = (cells: readonly string[]) => cells.join(' '.repeat(GAP)).trimEnd();
  return [
    line(lanes.map((lane) => aligned(lane.column.name, lane))),
    ...rows.flatMap((row, at) => [
      line([
        ...lanes.map((lane) => aligned(lane.cells[at]!, lane)),
        ...(most ? [bar(Number(row[drawn!.name] ?? 0), most(row), barWidth)] : []),
      ]),
      ...below.flatMap(({ column, cells }) =>
        wrapped(`${column.name}: ${cells[at]}`, width - INDENT.length).map((text) => INDENT + text),
      ),
    ]),
  ];
}

/** What a full bar stands for; costs in different units are not compared with each other. */
function highest(rows: readonly ReportRow[], { name, unit }: { name: string; unit: Unit }): (row: ReportRow) => number {
  const kind = (row: ReportRow) => (unit === 'cost' ? row['cost_unit'] : '');
  const most = Map.groupBy(rows, kind);
  return (row) => Math.max(0, ...(most.get(kind(row)) ?? []).map((each) => Number(each[name] ?? 0)));
}

function aligned(text: string, { width, textual }: Lane): string {
  const cut = size(text) > width ? `${[...text].slice(0, width - 1).join('')}…` : text;
  const space = ' '.repeat(width - size(cut));
  return textual ? cut + space : space + cut;
}

function taken(lanes: readonly Lane[]): number {
  return lanes.reduce((sum, { width }) => sum + width, GAP * (lanes.length - 1));
}

function size(text: string): number {
  return [...text].length;
}
