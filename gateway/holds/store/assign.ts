import { sql, type Transaction } from 'kysely';
import type { Delegation } from '../../domain/delegation.ts';
import type { HandoffDraft, HoldDraft } from '../../domain/hold-store.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { eligibleGroups } from '../quorum.ts';
import type { Schema } from './schema.ts';

/** So many of the newest holds tell who had one lately; it costs the same however many there are. */
const LATELY = 50;

/** What of either kind of draft says who may decide. */
export type Assignable = Pick<HoldDraft, 'principal' | 'terms'> & Partial<Pick<HandoffDraft, 'to'>>;

/**
 * The person whom the gateway suggests for something new, so that work is spread: of those who may decide the one with
 * the fewest undecided holds, and of these the one who has been without a new one for longest. A person who
 * has delegated is replaced by the deputy. Null when no person is left, or it goes to an agent.
 * @param delegations those in force now
 */
export async function chooseAssignee(
  trx: Transaction<Schema>,
  asked: Assignable,
  reviewers: readonly Reviewer[],
  delegations: readonly Delegation[],
): Promise<string | null> {
  if (asked.to && 'person' in asked.to) return asked.to.person;
  if (asked.to && 'agent' in asked.to) return null;
  const candidates = present(asked, reviewers, delegations);
  if (candidates.length < 2) return candidates[0] ?? null;

  // One statement for both, since every hold waits for it: who has how many, and what each was given last. The first
  // half is in the terms of the index of open holds.
  const { rows } = await sql<{ assignee: string | null; load: number; latest: string | null }>`
    select assignee, count(*) as load, null as latest from holds
      where open = 1 and status = 'pending' and execution = 'none' and assignee in (${sql.join(candidates)})
      group by assignee
    union all
    select assignee, 0, max(id) from (select id, assignee from holds order by id desc limit ${sql.lit(LATELY)}) as newest
      group by assignee`.execute(trx);
  const load = (person: string) => Math.max(0, ...rows.filter(isOf(person)).map((row) => row.load));
  const least = Math.min(...candidates.map(load));
  const latest = (person: string) => rows.find((row) => isOf(person)(row) && row.latest !== null)?.latest ?? '';
  const tied = candidates.filter((person) => load(person) === least);
  return tied.reduce((longest, person) => (latest(person) < latest(longest) ? person : longest));
}

const isOf = (person: string) => (row: { readonly assignee: string | null }) => row.assignee === person;

/** Who may decide and is there, by name. */
function present(asked: Assignable, reviewers: readonly Reviewer[], delegations: readonly Delegation[]): string[] {
  const groups = eligibleGroups({ terms: asked.terms, escalations: [] });
  const isMember = (person: Reviewer) => groups === null || person.groups.some((group) => groups.includes(group));
  const allowed = new Map(reviewers.filter((person) => mayLook(asked, person)).map((person) => [person.id, person]));
  const delegates = Map.groupBy(delegations, ({ from }) => from);
  const people = [...allowed.values()].filter(isMember).flatMap(({ id }) => {
    const away = delegates.get(id);
    // A delegation is not passed on.
    return away ? away.map(({ to }) => to).filter((to) => allowed.has(to) && !delegates.has(to)) : [id];
  });
  return [...new Set(people)].toSorted();
}

/** Four eyes, as far as they are known before anybody looks. */
function mayLook({ principal, terms }: Assignable, { id, roles }: Reviewer): boolean {
  if (!roles.includes('reviewer') || id === principal.agent || principal.onBehalfOf.includes(id)) return false;
  return id !== principal.owner || terms.ownerMayApprove;
}
