import { barPlot } from './bar-plot.ts';
import type { Bar, Panel } from './bar-plot.ts';
import { DIRECT, HOLDPOINT, NGINX } from './peer-names.ts';
import { show } from './summary.ts';
import type { Figure, Row, Table } from './summary.ts';

function panel({ scenario, rows }: Table, figure: (row: Row) => Figure | null | undefined, text: (row: Row) => string) {
  const bars = rows.flatMap((row): Bar[] => {
    const found = figure(row);
    return found ? [{ ...found, label: row.peer, text: text(row), ours: row.peer === HOLDPOINT }] : [];
  });
  return { title: scenario.name, bars } satisfies Panel;
}

/** Throughput as a multiple of nginx's in the same round. */
export function throughputPlot(tables: readonly Table[]): string {
  return barPlot(
    'Throughput of one core, as a multiple of nginx proxy_pass: median, lowest and highest round',
    tables.map((table) =>
      panel(
        table,
        (row) => row.times[NGINX]?.rate,
        (row) => `${show(row.times[NGINX]?.rate, 2)} × nginx · ${show(row.rate, 0)} calls/s`,
      ),
    ),
  );
}

/** Longest bar as a multiple of ours: with a peer near its limit, the others would vanish. */
const LONGEST = 8;

/** The time that a peer adds to a call at a constant rate. */
export function latencyPlot(tables: readonly Table[]): string {
  const ours = tables.map(({ rows }) => rows.find(({ peer }) => peer === HOLDPOINT)?.addedP99?.high ?? 0);
  const longest = Math.max(...ours) * LONGEST;
  return barPlot(
    'Milliseconds added to a call, 99th percentile: median, lowest and highest round',
    tables.map((table) =>
      panel(
        table,
        (row) => (row.peer === DIRECT ? null : row.addedP99),
        (row) => `p99 ${show(row.addedP99, 2)} ms · p50 ${show(row.addedP50, 2)} ms`,
      ),
    ),
    longest > 0 ? longest : undefined,
  );
}
