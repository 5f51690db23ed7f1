import type { HoldSummary } from '../server/holds.ts';
import type { Filter } from './filter.ts';

/** Milliseconds after which the order is looked at again, though nothing changed but the time. */
export const RESORT = 10_000;

/** The next thing that the clock does to a hold. `at`: milliseconds since the epoch. */
export type Deadline = { readonly what: 'decision due' | 'escalates' | 'expires'; readonly at: number };

/** What the clock does next: the service level, an escalation or the end, whichever comes first. Null when it is over. */
export function nextDeadline(hold: HoldSummary | ClockOf, now: number): Deadline | null {
  if (hold.status !== 'pending') return null;
  const { escalates_at } = hold.routing;
  const all: Deadline[] = [
    { what: 'decision due', at: Date.parse(hold.sla_at) },
    ...(escalates_at === null ? [] : [{ what: 'escalates' as const, at: Date.parse(escalates_at) }]),
    { what: 'expires', at: Date.parse(hold.expires_at) },
  ];
  return all.filter(({ at }) => at > now).toSorted((a, b) => a.at - b.at)[0] ?? null;
}

type ClockOf = Pick<HoldSummary, 'status' | 'sla_at' | 'expires_at'> & {
  readonly routing: { readonly escalates_at: string | null };
};

export function isOverdue({ status, sla_at }: Pick<HoldSummary, 'status' | 'sla_at'>, now: number): boolean {
  return status === 'pending' && now > Date.parse(sla_at);
}

/** The waiting holds by the clock, the overdue ones apart: what is due first comes first. */
export function lanesOf(holds: readonly HoldSummary[], now: number) {
  const due = (hold: HoldSummary) => nextDeadline(hold, now)?.at ?? Infinity;
  const byClock = holds
    .filter(({ status }) => status === 'pending')
    .map((hold) => ({ hold, due: due(hold) }))
    .toSorted((a, b) => a.due - b.due || a.hold.hold_id.localeCompare(b.hold.hold_id))
    .map(({ hold }) => hold);
  const { overdue = [], waiting = [] } = Object.groupBy(byClock, (hold) =>
    isOverdue(hold, now) ? 'overdue' : 'waiting',
  );
  return { overdue, waiting };
}

/** Whether a waiting hold is one of those asked for. `me` and the people that I stand in for have it. */
export function fits(hold: HoldSummary, filter: Filter, me: string, now: number): boolean {
  const { agent, action, kind, routing } = hold;
  return (
    (filter.kind === undefined || kind === filter.kind) &&
    (filter.system === undefined || action?.system === filter.system) &&
    (filter.agent === undefined || agent.id === filter.agent) &&
    (filter.group === undefined || routing.groups.includes(filter.group)) &&
    (!filter.overdue || isOverdue(hold, now)) &&
    (!filter.mine || routing.assignee === me || routing.lease?.by === me)
  );
}
