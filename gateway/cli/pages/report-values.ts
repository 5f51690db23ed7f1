import type { ReportRow, ReportValue, Unit } from '../../domain/report.ts';
import { plain } from './plain-text.ts';

const SCALES: readonly (readonly [number, string])[] = [
  [1e12, ' T'],
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
];
const SPANS: readonly (readonly [number, string])[] = [
  [86_400_000, ' d'],
  [3_600_000, ' h'],
  [60_000, ' min'],
  [1_000, ' s'],
];

/** A value as people read it, with its unit; a dash where there is none. Text from outside is made harmless. */
export function shown(value: ReportValue | undefined, unit: Unit, row: ReportRow = {}): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'number') return number(value, unit, row);
  const text = typeof value === 'string' ? value : value.join(', ');
  if (unit === 'time') return text.replace('T', ' ').replace(/(:\d\d)?(\.\d+)?Z$/, '');
  return text === '' ? '-' : plain(text);
}

function number(value: number, unit: Unit, row: ReportRow): string {
  switch (unit) {
    case 'share':
      // 100 % and 0 % are said only where it is all and none.
      return `${(value > 0.999 && value < 1 ? 99.9 : value * 100).toFixed(1)} %`;
    case 'ms':
      return span(value);
    case 'us':
      return value < 1000 ? `${digits(value)} µs` : span(value / 1000);
    case 'bytes':
      return `${scaled(value)}B`;
    case 'cost':
      return `${Math.abs(value) < 1e6 ? value.toFixed(2) : scaled(value)} ${plain(String(row['cost_unit'] ?? ''))}`.trimEnd();
    default:
      return scaled(value);
  }
}

/** Three significant digits with a prefix: `999`, `1.2 k`, `34.5 M`. */
function scaled(value: number): string {
  const [scale, sign] = SCALES.find(([scale]) => Math.abs(value) >= scale * 0.9995) ?? [1, ''];
  return `${digits(value / scale)}${sign}`;
}

/** Milliseconds in the largest unit of which there is at least one. */
function span(ms: number): string {
  const [scale, sign] = SPANS.find(([scale]) => ms >= scale) ?? [1, ' ms'];
  return `${digits(ms / scale)}${sign}`;
}

function digits(value: number): string {
  const places = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toFixed(places);
}
