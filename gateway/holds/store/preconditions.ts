import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Schema } from './schema.ts';

/** What a call about to be held might meet. False means that there is nothing to look for. */
export type Preconditions = {
  /** Everything is stopped, or the agent or the system is suspended. */
  readonly suspended: 'stopped' | 'suspended' | null;
  /** The agent has a grant for calls to the system. */
  readonly granted: boolean;
  /** There is a delegation in force, or to come. */
  readonly delegated: boolean;
};

/** In one statement: most calls meet none of it. */
export async function preconditionsOf(
  trx: Transaction<Schema>,
  agent: string,
  system: string,
  now: number,
): Promise<Preconditions> {
  const { rows } = await sql<{ stopped: number; suspended: number; granted: number; delegated: number }>`select
    (select count(*) from suspensions where kind = 'everything' and name = '') as stopped,
    (select count(*) from suspensions
      where (kind = 'agent' and name = ${agent}) or (kind = 'system' and name = ${system})) as suspended,
    (select count(*) from grants where agent = ${agent} and system = ${system} and until > ${now}) as granted,
    (select count(*) from delegations where until > ${now}) as delegated`.execute(trx);
  const { stopped, suspended, granted, delegated } = rows[0]!;
  const why = stopped > 0 ? 'stopped' : suspended > 0 ? 'suspended' : null;
  return { suspended: why, granted: granted > 0, delegated: delegated > 0 };
}
