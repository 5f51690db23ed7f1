import type { ChartConfiguration } from 'chart.js';
import type { Report } from '../server/shapes.ts';
import { dayWords, numberWords, valueWords, type Column, type Row } from './value-words.ts';

/** Most bars of a picture; the table has the others. */
const MOST_BARS = 12;
/** Longest label of a bar, in characters. */
const LONGEST_LABEL = 44;

/** The colours of the page as it is drawn now. */
export type Paint = Readonly<Record<'ink' | 'soft' | 'line' | 'accent' | 'wash' | 'warn' | 'danger', string>>;
export type ReportChart = ChartConfiguration<'bar' | 'line' | 'matrix'>;

/** How a report is drawn, as its header asks for; null for a table alone, or where there is nothing to draw. */
export function chartConfig(report: Report, before: readonly Row[], paint: Paint): ReportChart | null {
  if (report.rows.length === 0) return null;
  switch (report.chart.kind) {
    case 'bar':
      return bars(report, report.chart, before, paint);
    case 'line':
      return lines(report, report.chart, paint);
    case 'heat':
      return heat(report, report.chart, paint);
    default:
      return null;
  }
}

/** The name of a row among others, of those of its columns that say something. */
export function labelOf(row: Row, names: readonly string[]): string {
  return names
    .map((name) => String(row[name] ?? ''))
    .filter((text) => text !== '')
    .join(' · ');
}

function bars(
  { rows, columns }: Report,
  { label, value }: { readonly label: readonly string[]; readonly value: string },
  before: readonly Row[],
  paint: Paint,
): ReportChart {
  const shown = rows.slice(0, MOST_BARS);
  const column = columnOf(columns, value);
  const nameOf = (row: Row) => labelOf(row, [...label, 'cost_unit']);
  const earlier = new Map(before.map((row) => [nameOf(row), row]));
  const had = shown.map((row) => earlier.get(nameOf(row)));
  const own = (of: readonly (Row | undefined)[]) => of.map((row) => (row ? Number(row[value] ?? 0) : 0));
  return {
    type: 'bar',
    data: {
      labels: shown.map((row) => shortened(nameOf(row))),
      datasets: [
        { label: 'this period', data: own(shown), backgroundColor: paint.accent, borderRadius: 3 },
        ...(before.length > 0
          ? [{ label: 'the period before', data: own(had), backgroundColor: mixed(paint.soft, 0.35), borderRadius: 3 }]
          : []),
      ],
    },
    options: {
      ...common(paint, before.length > 0),
      indexAxis: 'y',
      scales: {
        x: valueAxis(column, paint),
        y: { ticks: { color: paint.ink, autoSkip: false }, grid: { display: false }, border: { display: false } },
      },
      plugins: {
        ...common(paint, before.length > 0).plugins,
        tooltip: {
          callbacks: {
            label: ({ dataIndex, datasetIndex }) => {
              const row = datasetIndex === 0 ? shown[dataIndex] : had[dataIndex];
              return row ? valueWords(column, row) : 'none';
            },
          },
        },
      },
    },
  };
}

function lines(
  { rows, columns }: Report,
  { x, y }: { readonly x: string; readonly y: readonly string[] },
  paint: Paint,
): ReportChart {
  const colours: Readonly<Record<string, string>> = { allowed: paint.accent, held: paint.warn, blocked: paint.danger };
  const column = columnOf(columns, y[0]!);
  return {
    type: 'line',
    data: {
      labels: rows.map((row) => dayWords(String(row[x]))),
      datasets: y.map((name) => ({
        label: name,
        data: rows.map((row) => Number(row[name] ?? 0)),
        borderColor: colours[name] ?? paint.accent,
        backgroundColor: colours[name] ?? paint.accent,
        borderWidth: 2,
        pointRadius: 0,
        pointHitRadius: 12,
        tension: 0.25,
      })),
    },
    options: {
      ...common(paint, true),
      interaction: { mode: 'index', intersect: false },
      scales: {
        x: { ticks: { color: paint.soft, maxTicksLimit: 8, maxRotation: 0 }, grid: { display: false } },
        y: { ...valueAxis(column, paint), beginAtZero: true },
      },
    },
  };
}

function heat(
  { rows, columns }: Report,
  { x, y, value }: { readonly x: string; readonly y: string; readonly value: string },
  paint: Paint,
): ReportChart {
  const [across, down] = [columnOf(columns, x), columnOf(columns, y)];
  const most = Math.max(1, ...rows.map((row) => Number(row[value] ?? 0)));
  const places = (name: string) => [...new Set(rows.map((row) => Number(row[name])))].toSorted((a, b) => a - b);
  const [xs, ys] = [places(x), places(y)];
  const steps = (of: readonly number[]) => of.at(-1)! - of[0]! + 1;
  return {
    type: 'matrix',
    data: {
      datasets: [
        {
          data: rows.map((row) => ({ x: Number(row[x]), y: Number(row[y]), v: Number(row[value] ?? 0) })),
          backgroundColor: ({ raw }: { readonly raw: unknown }) => {
            const { v } = raw as { readonly v: number };
            return v === 0 ? paint.line : mixed(paint.accent, 0.15 + (0.85 * v) / most);
          },
          width: ({ chart }) => Math.max(2, (chart.chartArea?.width ?? 0) / steps(xs) - 2),
          height: ({ chart }) => Math.max(2, (chart.chartArea?.height ?? 0) / steps(ys) - 2),
        },
      ],
    },
    options: {
      ...common(paint, false),
      scales: {
        x: cellAxis(across, xs, paint),
        y: { ...cellAxis(down, ys, paint), reverse: true },
      },
      plugins: {
        ...common(paint, false).plugins,
        tooltip: {
          callbacks: {
            title: () => '',
            label: ({ dataIndex }) =>
              columns
                .filter(({ name }) => rows[dataIndex]![name] !== null)
                .map((column) => `${column.name} ${valueWords(column, rows[dataIndex]!)}`),
          },
        },
      },
    },
  };
}

/** The axis of a grid of cells, one for each whole number. */
function cellAxis(column: Column, places: readonly number[], paint: Paint) {
  return {
    type: 'linear' as const,
    min: places[0]! - 0.5,
    max: places.at(-1)! + 0.5,
    grid: { display: false },
    border: { display: false },
    afterBuildTicks: (axis: { ticks: { value: number }[] }) => {
      axis.ticks = places.map((value) => ({ value }));
    },
    ticks: {
      color: paint.soft,
      callback: (place: string | number) => valueWords(column, { [column.name]: Number(place) }),
    },
  };
}

function valueAxis({ unit }: Column, paint: Paint) {
  return {
    beginAtZero: true,
    ticks: {
      color: paint.soft,
      maxTicksLimit: 6,
      callback: (value: string | number) => numberWords(unit, Number(value)),
    },
    grid: { color: paint.line },
    border: { display: false },
  };
}

function common(paint: Paint, hasLegend: boolean) {
  return {
    animation: false as const,
    responsive: true,
    maintainAspectRatio: false,
    plugins: {
      legend: {
        display: hasLegend,
        align: 'end' as const,
        labels: { color: paint.soft, boxWidth: 10, boxHeight: 10, useBorderRadius: true, borderRadius: 2 },
      },
    },
  };
}

function columnOf(columns: readonly Column[], name: string): Column {
  return columns.find((column) => column.name === name)!;
}

function shortened(text: string): string {
  return text.length > LONGEST_LABEL ? `${text.slice(0, LONGEST_LABEL - 1)}…` : text;
}

/** A colour over whatever is behind it. @param strength 0 to 1 */
function mixed(colour: string, strength: number): string {
  const [red, green, blue] = colour.match(/\d+(?:\.\d+)?/g)!.map(Number);
  return `rgb(${red} ${green} ${blue} / ${strength.toFixed(2)})`;
}
