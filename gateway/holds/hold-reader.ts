import type { Kysely } from 'kysely';
import type { Hold, HoldExecution, HoldFilter, HoldStatus } from '../domain/hold.ts';
import { fromRow } from './rows.ts';
import type { HoldRow, Schema } from './schema.ts';

export type HoldCount = { readonly status: HoldStatus; readonly execution: HoldExecution; readonly count: number };

export type HoldReader = {
  row(id: string): Promise<HoldRow | null>;
  /** Newest first. The cursor is the last identifier: identifiers sort by time of creation. */
  list(filter: HoldFilter): Promise<{ items: Hold[]; next: string | null }>;
  due(now: number): Promise<Hold[]>;
  releasable(): Promise<Hold[]>;
  releasing(): Promise<Hold[]>;
  counts(): Promise<HoldCount[]>;
};

export function createHoldReader(db: Kysely<Schema>): HoldReader {
  const holds = () => db.selectFrom('holds').select('document');
  const approved = () => holds().where('status', '=', 'approved');

  return {
    async row(id) {
      return (await db.selectFrom('holds').selectAll().where('id', '=', id).executeTakeFirst()) ?? null;
    },
    async list({ status, system, agent, group, cursor, limit }) {
      let query = holds()
        .orderBy('id', 'desc')
        .limit(limit + 1);
      if (status) query = query.where('status', '=', status);
      if (system) query = query.where('system', '=', system);
      if (agent) query = query.where('agent', '=', agent);
      if (cursor) query = query.where('id', '<', cursor);
      if (group) {
        const routed = db.selectFrom('hold_groups').select('hold_id').where('group_name', '=', group);
        query = query.where('id', 'in', routed);
      }
      const found = (await query.execute()).map(fromRow);
      const items = found.slice(0, limit);
      return { items, next: found.length > limit ? (items.at(-1)?.id ?? null) : null };
    },
    async due(now) {
      const overdue = holds().where((hold) =>
        hold.or([
          hold.and([hold('status', '=', 'pending'), hold('expires_at', '<=', now)]),
          hold.and([hold('status', '=', 'approved'), hold('execution', '=', 'none'), hold('redeem_by', '<=', now)]),
        ]),
      );
      return (await overdue.orderBy('id').execute()).map(fromRow);
    },
    async releasable() {
      const waiting = approved().where('execution', '=', 'none').where('has_handle', '=', 1);
      return (await waiting.orderBy('decided_at').orderBy('id').execute()).map(fromRow);
    },
    async releasing() {
      return (await approved().where('execution', '=', 'releasing').orderBy('id').execute()).map(fromRow);
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
        count: Number(count),
      }));
    },
  };
}
