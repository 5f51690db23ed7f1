import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import { dueCursor, readDueCursor } from '../../domain/hold-cursor.ts';
import type { HoldFilter, HoldStore } from '../../domain/hold-store.ts';
import { assertCall, type Hold, type HoldExecution, type HoldStatus } from '../../domain/hold.ts';
import type { Documents } from './documents.ts';
import { fromRow } from './rows.ts';
import type { HoldRow, Schema } from './schema.ts';
import { findStop } from './suspension-rows.ts';

export type HoldCount = { readonly status: HoldStatus; readonly execution: HoldExecution; readonly count: number };

/** `people`: the person who asks, and the people for whom that person stands in. */
export type ListFilter = Omit<HoldFilter, 'mine'> & { readonly people?: readonly string[]; readonly now: number };

export type HoldReader = Pick<
  HoldStore,
  'changedSince' | 'due' | 'releasable' | 'releasing' | 'indeterminate' | 'openCalls'
> & {
  row(id: string): Promise<HoldRow | null>;
  /**
   * The same, whether the person stands in for others now (for most, no further query is needed), and whether everything
   * is stopped.
   */
  rowFor(
    id: string,
    person: string | null,
    now: number,
  ): Promise<(HoldRow & { readonly stands_in: number; readonly stopped: number }) | null>;
  /** Newest first, where the cursor is the last identifier (identifiers sort by time of creation); or as `order` says. */
  list(filter: ListFilter): Promise<{ items: Hold[]; next: string | null }>;
  counts(): Promise<HoldCount[]>;
};

export function createHoldReader(db: Kysely<Schema>, documents: Documents): HoldReader {
  const holds = () => db.selectFrom('holds').select(['id', 'document']);
  const toHold = (row: Pick<HoldRow, 'id' | 'document'>) => fromRow(row, documents);
  // Written out, not as a parameter: the indexes over open holds are used only where the statement itself says so.
  const approved = (execution: HoldExecution) =>
    holds().where('open', '=', sql.lit(1)).where('status', '=', 'approved').where('execution', '=', execution);
  /** Only calls are approved. */
  const calls = (rows: readonly Pick<HoldRow, 'id' | 'document'>[]) => rows.map((row) => assertCall(toHold(row)));

  const listed = () => db.selectFrom('holds').select(['id', 'document', 'decide_by']);
  const newest = (cursor: string | undefined) => {
    const rows = listed().orderBy('id', 'desc');
    return cursor === undefined ? rows : rows.where('id', '<', cursor);
  };
  const byClock = (cursor: string | undefined) => {
    const rows = listed().where('decide_by', 'is not', null).orderBy('decide_by').orderBy('id');
    if (cursor === undefined) return rows;
    const after = readDueCursor(cursor);
    if (!after) throw new RangeError('not a cursor of holds by the clock');
    return rows.where(({ eb, refTuple, tuple }) =>
      eb(refTuple('decide_by', 'id'), '>', tuple(after.decideBy, after.id)),
    );
  };

  return {
    async row(id) {
      return (await db.selectFrom('holds').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
    },
    async rowFor(id, person, now) {
      const row = await db
        .selectFrom('holds')
        .selectAll()
        .select((hold) =>
          hold
            .selectFrom('delegations')
            .select((delegation) => delegation.fn.countAll<number>().as('count'))
            .where('to_person', '=', person ?? '')
            .where('until', '>', now)
            .as('stands_in'),
        )
        .select((hold) =>
          hold
            .selectFrom('suspensions')
            .select((stop) => stop.fn.countAll<number>().as('count'))
            .where('kind', '=', 'everything')
            .where('name', '=', '')
            .as('stopped'),
        )
        .where('id', '=', id)
        .executeTakeFirst();
      return row ? { ...row, stands_in: row.stands_in ?? 0, stopped: row.stopped ?? 0 } : null;
    },
    async list({ order, status, kind, system, agent, group, people, toAgent, overdue, cursor, limit, now }) {
      let query = order === 'due' ? byClock(cursor) : newest(cursor);
      if (status) query = query.where('status', '=', status);
      if (kind) query = query.where('kind', '=', kind);
      if (system) query = query.where('system', '=', system);
      if (agent) query = query.where('agent', '=', agent);
      if (toAgent) query = query.where('to_agent', '=', toAgent);
      if (overdue) query = query.where('status', '=', 'pending').where('sla_at', '<', now);
      if (people)
        query = query.where((hold) => hold.or([hold('assignee', 'in', people), hold('lease_by', 'in', people)]));
      // Unlike LIKE this has no letters with a meaning of their own, and minds capitals in every database.
      if (group) query = query.where(sql<boolean>`replace(group_names, ${`|${group}|`}, '') <> group_names`);
      const found = await query.limit(limit + 1).execute();
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      const next = last && (order === 'due' ? dueCursor({ id: last.id, decideBy: last.decide_by! }) : last.id);
      return { items: page.map(toHold), next: next ?? null };
    },
    async changedSince(since, limit) {
      const changed = holds().where('changed_at', '>=', since).orderBy('changed_at').orderBy('id').limit(limit);
      return (await changed.execute()).map(toHold);
    },
    async due(now) {
      if (await findStop(db)) return [];
      return (await holds().where('due_at', '<=', now).orderBy('due_at').orderBy('id').execute()).map(toHold);
    },
    async releasable() {
      const waiting = approved('none').where('has_handle', '=', 1);
      return calls(await waiting.orderBy('decided_at').orderBy('id').execute());
    },
    async releasing() {
      return calls(await approved('releasing').orderBy('id').execute());
    },
    async indeterminate() {
      return calls(await approved('indeterminate').orderBy('id').execute());
    },
    async openCalls() {
      const calls = db.selectFrom('holds').select(['id', 'agent', 'system', 'digest']).where('open', '=', sql.lit(1));
      return await calls.where('kind', '=', 'approval').orderBy('id').execute();
    },
    async counts() {
      const rows = await db
        .selectFrom('holds')
        .select(['status', 'execution', (hold) => hold.fn.countAll<number>().as('count')])
        .groupBy(['status', 'execution'])
        .execute();
      return rows.map(({ status, execution, count }) => ({
        status: status as HoldStatus,
        execution: execution as HoldExecution,
        count,
      }));
    },
  };
}
