import { useMemo } from 'react';
import type { Report } from '../server/shapes.ts';
import { Picture } from './picture.tsx';
import type { Row } from './value-words.ts';

/** Most units of cost that are drawn; the table has all. */
const MOST_UNITS = 3;

type Props = Omit<Parameters<typeof Picture>[0], 'report'> & {
  readonly report: Report;
  /** How many of them at most. */
  readonly most?: number;
};

/** The picture of a report; of costs one for each unit, since units have no axis in common. */
export function Pictures({ report, before, most = MOST_UNITS, ...rest }: Props) {
  const parts = useMemo(() => byUnit(report, before).slice(0, most), [report, before, most]);
  return parts.map((part) => <Picture key={part.unit} report={part.report} before={part.before} {...rest} />);
}

function byUnit(report: Report, before: readonly Row[]) {
  if (!report.columns.some(({ name }) => name === 'cost_unit')) return [{ unit: '', report, before }];
  const earlier = Map.groupBy(before, unitOf);
  return [...Map.groupBy(report.rows, unitOf)].map(([unit, rows]) => ({
    unit,
    report: { ...report, title: `${report.title} in ${unit}`, rows },
    before: earlier.get(unit) ?? [],
  }));
}

function unitOf(row: Row): string {
  return String(row['cost_unit'] ?? '');
}
