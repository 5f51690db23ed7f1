import type { Kysely, Transaction } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { Grant, GrantStore, GrantTerms } from '../../domain/grant.ts';
import type { HoldDraft } from '../../domain/hold-store.ts';
import type { CallHold, HeldCall, Hold } from '../../domain/hold.ts';
import type { Channel } from '../../domain/principal.ts';
import { iso } from '../../domain/time.ts';
import { maskText } from '../../secrets/secret.ts';
import type { Step } from '../changes/change.ts';
import { coveringOperations, covers, grantFrom } from '../coverage.ts';
import { approvals } from '../quorum.ts';
import { available } from './available.ts';
import type { Documents } from './documents.ts';
import type { RecordUnit, Transact } from './unit-of-work.ts';
import { pageOf, type Page } from './page.ts';
import type { Schema } from './schema.ts';

/** A grant with the step that belongs into the story of the hold that it was given on, or that it answers. */
export type GrantStep = { readonly grant: Grant; readonly step: Step };

export function createGrantStore(
  db: Kysely<Schema>,
  documents: Documents,
  transact: Transact,
  clock: Clock,
): GrantStore {
  return {
    list: (filter) => available(() => listGrants(db, documents, filter, clock())),
    find: (id) => available(() => findGrant(db, documents, id)),
    revoke: (id, by, channel) => available(() => transact(clock(), (unit) => revokeGrant(unit, id, by.id, channel))),
  };
}

/** Keeps the grant that comes with an approval, in the approval's own transaction. */
export async function insertGrant(
  { trx, now, documents }: Pick<RecordUnit, 'trx' | 'now' | 'documents'>,
  hold: CallHold,
  call: HeldCall,
  terms: GrantTerms,
): Promise<GrantStep> {
  const grant = grantFrom(hold, call, terms, now);
  const { id, agent, system, operation, uses, used, until } = grant;
  await trx
    .insertInto('grants')
    .values({
      id,
      agent,
      system,
      operation,
      hold_id: hold.id,
      uses,
      used,
      until,
      revoked_at: null,
      document: documents.seal(id, grant),
    })
    .execute();
  const reach = [
    `${uses} ${uses === 1 ? 'use' : 'uses'} of ${id} until ${iso(until)}`,
    ...(grant.open.length > 0 ? [`with ${grant.open.join(', ')} open`] : []),
  ];
  const channel = approvals(hold).at(-1)?.channel;
  return {
    grant,
    step: {
      type: 'grant.created',
      actor: hold.decidedBy ?? grant.by.join(', '),
      actor_kind: 'reviewer',
      ...(channel && { channel }),
      reason: reach.join(', '),
    },
  };
}

/**
 * Uses up one use of a grant that covers a hold about to be opened; null when none does. By compare-and-swap, so of two
 * processes that want the last use one goes without. Of several grants the one that ends first is used.
 */
export async function useGrant(
  { trx, now, documents }: Pick<RecordUnit, 'trx' | 'now' | 'documents'>,
  draft: HoldDraft,
): Promise<GrantStep | null> {
  for (;;) {
    const candidates = await active(trx, now)
      .where('agent', '=', draft.principal.agent)
      .where('system', '=', draft.system)
      .where('operation', 'in', coveringOperations(draft))
      .orderBy('until')
      .orderBy('id')
      .execute();
    const grant = candidates.map((row) => fromRow(row, documents)).find((grant) => covers(grant, draft, now));
    if (!grant) return null;
    const used = grant.used + 1;
    const { numUpdatedRows } = await trx
      .updateTable('grants')
      .set({ used })
      .where('id', '=', grant.id)
      .where('used', '=', grant.used)
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    // Another process took that use, or a person revoked the grant: look again.
    if (numUpdatedRows !== 1n) continue;
    return {
      grant: { ...grant, used },
      step: {
        type: 'grant.used',
        actor: 'holdpoint',
        actor_kind: 'gateway',
        reason: `use ${used} of ${grant.uses} of ${grant.id}`,
      },
    };
  }
}

export async function findGrant(db: Kysely<Schema>, documents: Documents, id: string): Promise<Grant | null> {
  const row = await db.selectFrom('grants').select(COLUMNS).where('id', '=', id).executeTakeFirst();
  return row ? fromRow(row, documents) : null;
}

/** Newest first: the active ones, or all. The cursor is the last identifier: identifiers sort by time of creation. */
export async function listGrants(
  db: Kysely<Schema>,
  documents: Documents,
  filter: { readonly agent?: string; readonly active: boolean; readonly cursor?: string; readonly limit: number },
  now: number,
): Promise<Page<Grant>> {
  const { agent, cursor, limit } = filter;
  let query = filter.active ? active(db, now) : db.selectFrom('grants').select(COLUMNS);
  if (agent) query = query.where('agent', '=', agent);
  if (cursor) query = query.where('id', '<', cursor);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return pageOf(rows, limit, (row) => fromRow(row, documents));
}

/** Null when there is no such grant. Revoking twice changes nothing and is recorded once. */
export async function revokeGrant(unit: RecordUnit, id: string, by: string, channel: Channel): Promise<Grant | null> {
  const found = await findGrant(unit.trx, unit.documents, id);
  if (!found || found.revokedAt !== null) return found;
  return (await revoke(unit, found, by, channel)) ?? (await findGrant(unit.trx, unit.documents, id));
}

/** Revokes whatever an agent could still use. */
/** @param channel null if the gateway itself revokes them */
export async function revokeGrantsOf(
  unit: RecordUnit,
  agent: string,
  by: string,
  channel: Channel | null,
): Promise<Grant[]> {
  const rows = await active(unit.trx, unit.now).where('agent', '=', agent).orderBy('id').execute();
  const revoked: Grant[] = [];
  for (const row of rows) {
    const grant = await revoke(unit, fromRow(row, unit.documents), by, channel);
    if (grant) revoked.push(grant);
  }
  return revoked;
}

/** Null when it was revoked meanwhile. */
async function revoke(
  { trx, now, documents, record }: RecordUnit,
  grant: Grant,
  by: string,
  channel: Channel | null,
): Promise<Grant | null> {
  const revoked: Grant = { ...grant, revokedAt: now, revokedBy: by };
  const row = await trx
    .updateTable('grants')
    .set({ revoked_at: now, document: documents.seal(grant.id, revoked) })
    .where('id', '=', grant.id)
    .where('revoked_at', 'is', null)
    .returning(COLUMNS)
    .executeTakeFirst();
  if (!row) return null;
  const { id, agent, system, operation, holdId, rules } = revoked;
  const hold = await trx.selectFrom('holds').select(['id', 'document']).where('id', '=', holdId).executeTakeFirst();
  await record({
    type: 'grant.revoked',
    hold_id: holdId,
    agent,
    ...(hold && { owner: documents.open<Hold>(hold.id, hold.document).principal.owner }),
    system,
    operation: maskText(operation),
    rules,
    actor: by,
    actor_kind: channel === null ? 'gateway' : 'reviewer',
    ...(channel !== null && { channel }),
    reason: `${row.used} of ${grant.uses} uses of ${id} were used`,
  });
  return fromRow(row, documents);
}

const COLUMNS = ['id', 'document', 'used'] as const;

function active(db: Kysely<Schema> | Transaction<Schema>, now: number) {
  return db
    .selectFrom('grants')
    .select(COLUMNS)
    .where('revoked_at', 'is', null)
    .where('until', '>', now)
    .whereRef('used', '<', 'uses');
}

/** The column counts; the document is as it was written. */
function fromRow(
  { id, document, used }: Pick<Schema['grants'], (typeof COLUMNS)[number]>,
  documents: Documents,
): Grant {
  return { ...documents.open<Grant>(id, document), used };
}
