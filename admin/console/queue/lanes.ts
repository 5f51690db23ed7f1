import type { HoldSummary } from '../server/holds.ts';
import type { Filter } from './filter.ts';

/** Milliseconds after which the order is looked at again, though nothing changed but the time. */
export const RESORT = 10_000;

/** The next thing that the clock does to a hold. `at`: milliseconds since the epoch. */
export type Deadline = { readonly what: 'decision due' | 'escalates' | 'expires'; readonly at: number };

type ClockOf = Pick<HoldSummary, 'status' | 'sla_at' | 'expires_at'> & {
  readonly routing: { readonly escalates_at: string | null };
};

/** What the clock does next: the service level, an escalation or the end, whichever comes first. Null when it is over. */
export function nextDeadline(hold: ClockOf, now: number): Deadline | null {
  if (hold.status !== 'pending') return null;
  return deadlines(hold).find(({ at }) => at > now) ?? null;
}

/** All that the clock does, in order. */
function deadlines({ sla_at, expires_at, routing: { escalates_at } }: ClockOf): Deadline[] {
  const all: Deadline[] = [
    { what: 'decision due', at: Date.parse(sla_at) },
    ...(escalates_at === null ? [] : [{ what: 'escalates' as const, at: Date.parse(escalates_at) }]),
    { what: 'expires', at: Date.parse(expires_at) },
  ];
  return all.toSorted((a, b) => a.at - b.at);
}

const firsts = new WeakMap<ClockOf, number>();

/** When the clock first does something: by this the API sorts with `order=due` too. */
function decideBy(hold: ClockOf): number {
  const known = firsts.get(hold) ?? deadlines(hold)[0]!.at;
  firsts.set(hold, known);
  return known;
}

export function isOverdue({ status, sla_at }: Pick<HoldSummary, 'status' | 'sla_at'>, now: number): boolean {
  return status === 'pending' && now > Date.parse(sla_at);
}

/** The waiting holds by the clock, the overdue ones apart: what is due first comes first. */
export function lanesOf(holds: readonly HoldSummary[], now: number) {
  const byClock = holds
    .filter(({ status }) => status === 'pending')
    .toSorted((a, b) => decideBy(a) - decideBy(b) || (a.hold_id < b.hold_id ? -1 : 1));
  const { overdue = [], waiting = [] } = Object.groupBy(byClock, (hold) =>
    isOverdue(hold, now) ? 'overdue' : 'waiting',
  );
  return { overdue, waiting };
}

/** Whether a waiting hold is one of those asked for. `mine`: the person, and the people whom that one deputises for. */
export function fits(hold: HoldSummary, filter: Filter, mine: ReadonlySet<string>, now: number): boolean {
  const { agent, action, kind, routing } = hold;
  const isMine = (person: string | null | undefined) => typeof person === 'string' && mine.has(person);
  return (
    (filter.kind === undefined || kind === filter.kind) &&
    (filter.system === undefined || action?.system === filter.system) &&
    (filter.agent === undefined || agent.id === filter.agent) &&
    (filter.group === undefined || routing.groups.includes(filter.group)) &&
    (!filter.overdue || isOverdue(hold, now)) &&
    (!filter.mine || isMine(routing.assignee) || isMine(routing.lease?.by))
  );
}
