import type { ReportRow, Reports } from '../../gateway/domain/report.ts';
import { iso } from '../../gateway/domain/time.ts';
import { workKey, type WorkKey } from '../../gateway/domain/work.ts';
import type { AdminDeps } from '../deps.ts';

/** Milliseconds for which an answer of the record is good. */
const GOOD_FOR = 5_000;
/** An answer that took long is good for so many times as long: people who watch must not keep ClickHouse busy. */
const REST = 20;
/** Most beginnings that are remembered: people in several time zones have several midnights. */
const REMEMBERED = 30;
/** Lines that a report has at most. */
const MOST_LINES = 1_000;

/** What agents did since a moment, as the reports `work-executed` and `cost` count it. */
export type WorkDone = {
  readonly items: readonly WorkItemDone[];
  /** Whether there is more than is told. */
  readonly isCut: boolean;
};

export type WorkItemDone = WorkKey & {
  readonly executed: number;
  readonly failed: number;
  readonly blocked: number;
  readonly costs: readonly { readonly unit: string; readonly amount: number }[];
};

/** @returns null while the record cannot be read; `since` is in milliseconds since the epoch */
export function createWorkDone({
  reports,
  log,
  clock,
}: Pick<AdminDeps, 'reports' | 'log' | 'clock'>): (since: number) => Promise<WorkDone | null> {
  type Known = { readonly at: number; took: number; readonly done: Promise<WorkDone | null> };
  const known = new Map<number, Known>();

  return (since) => {
    const now = clock();
    const last = known.get(since);
    if (last && Math.abs(now - last.at) < Math.max(GOOD_FOR, REST * last.took)) return last.done;
    const began = performance.now();
    const done = read(reports, iso(since)).catch((err: unknown) => {
      log.error({ err }, 'the work done could not be counted');
      return null;
    });
    // While it is read, everybody who asks waits for the same answer.
    const entry: Known = { at: now, took: Infinity, done };
    void done.then(() => (entry.took = performance.now() - began));
    known.delete(since);
    known.set(since, entry);
    for (const oldest of known.keys()) {
      if (known.size <= REMEMBERED) break;
      known.delete(oldest);
    }
    return done;
  };
}

async function read(reports: Reports, from: string): Promise<WorkDone> {
  const [work, cost] = await Promise.all([
    reports.run('work-executed', { by: 'each', from }),
    reports.run('cost', { by: 'each', from }),
  ]);
  const items = new Map<string, WorkItemDone>();
  for (const row of work.rows) {
    const key = keyOf(row);
    const [executed, failed, blocked] = ['executed', 'failed', 'blocked'].map((name) => Number(row[name]));
    items.set(workKey(key), { ...key, executed: executed!, failed: failed!, blocked: blocked!, costs: [] });
  }
  for (const row of cost.rows) {
    const key = keyOf(row);
    const known = items.get(workKey(key)) ?? { ...key, executed: 0, failed: 0, blocked: 0, costs: [] };
    const costs = [...known.costs, { unit: String(row['cost_unit']), amount: Number(row['cost']) }];
    items.set(workKey(key), { ...known, costs });
  }
  return {
    items: [...items.values()],
    isCut: work.rows.length >= MOST_LINES || cost.rows.length >= MOST_LINES,
  };
}

function keyOf(row: ReportRow): WorkKey {
  const [owner, agent, system, operation] = ['owner', 'agent', 'system', 'operation'].map((name) => String(row[name]));
  return { owner: owner!, agent: agent!, system: system!, operation: operation! };
}
