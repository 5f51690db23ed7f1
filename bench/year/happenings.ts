import type { Event } from '../../gateway/domain/event.ts';
import { agentOf } from './agents.ts';
import { day, FACTS, YEAR } from './facts.ts';
import { id } from './identifier.ts';
import { REVISIONS } from './policies.ts';
import type { Random } from './random.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export const NODES = ['gw-1', 'gw-2', 'gw-3'] as const;

const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
const { brokenPolicy, delegation, suspension, storeAway } = FACTS;

/** Other things that happened in the year, in no order: policies, absences, questions of agents. */
export function happenings(random: Random): readonly Event[] {
  const events: Event[] = [];
  const add = (at: number, event: Omit<Event, 'event_id' | 'at' | 'node'> & { readonly node?: string }) =>
    events.push({ event_id: event.hold_id === undefined ? id(random, 'evt', at) : '', at, node: NODES[0], ...event });

  for (const { from, revision } of REVISIONS)
    for (const node of NODES)
      add(from, { node, type: 'policy.activated', layer: 'decide', ...byGateway, policy_revision: revision });
  add(day(6, 30) + 15 * HOUR, {
    type: 'policy.refused',
    layer: 'decide',
    ...byGateway,
    reason: 'rules/support.rego:41: rego_parse_error: unexpected } token',
    failure: 'policy-wrong',
  });
  add(brokenPolicy.to - MINUTE, {
    type: 'notice.dead',
    layer: 'decide',
    ...byGateway,
    reason: 'operators could not be told by webhook: 8 attempts',
  });

  const operator = { layer: 'decide', actor: 'hana@example.com', actor_kind: 'reviewer', channel: 'console' } as const;
  add(delegation.from, {
    ...operator,
    type: 'delegation.created',
    actor: delegation.reviewer,
    reason: 'for lars@example.com',
  });
  add(delegation.to, { ...operator, type: 'delegation.ended', actor: delegation.reviewer });
  const { owner } = agentOf(suspension.agent);
  const stopped = { agent: suspension.agent, owner, reason: 'It reads what it never read before.' };
  add(suspension.at, { ...operator, ...stopped, type: 'suspension.created', actor: suspension.by });
  const system = { system: 'payments', reason: 'Nothing is answered there.' };
  add(FACTS.outage.from + HOUR, { ...operator, ...system, type: 'suspension.created' });
  add(FACTS.outage.from + HOUR + 5 * MINUTE, { ...operator, ...system, type: 'suspension.ended' });
  add(storeAway.from + 2 * HOUR, {
    type: 'journal.shed',
    layer: 'record',
    ...byGateway,
    reason: '412 allowed reads',
    failure: 'gateway-failed',
  });

  for (let n = 0; n < 20; n += 1) {
    const at = suspension.at + Math.floor(((YEAR.to - suspension.at) * n) / 20) + random.whole(MINUTE);
    add(at, refused(suspension.agent, 'erp', 'GET', 403, 'suspended'));
  }
  for (let n = 0; n < 40; n += 1) {
    const at = YEAR.from + random.whole(YEAR.to - YEAR.from - 7 * 24 * HOUR);
    const [agent, status, code] = random.pick([
      ['lead-enricher', 413, 'body-too-large'],
      ['sales-assistant', 422, 'bad-body'],
      ['data-analyst', 400, 'bad-context'],
    ] as const);
    add(at, refused(agent, agent === 'data-analyst' ? 'database' : 'crm', 'POST', status, code));
  }
  for (let month = 1; month <= 12; month += 1)
    handOver(random, add, day(month, 14) + 9 * HOUR + random.whole(4 * HOUR), month);
  return events;
}

function refused(agent: string, system: string, method: string, status: number, code: string) {
  return {
    type: 'call.refused',
    layer: 'decide',
    agent,
    owner: agentOf(agent).owner,
    system,
    method,
    verdict: 'block',
    channel: 'agent',
    failure: 'boundary-exceeded',
    status,
    code,
    actor: 'gateway',
    actor_kind: 'gateway',
  } as const;
}

/** An agent asks people something, or hands its work to another: holds without a call. */
function handOver(
  random: Random,
  add: (at: number, event: Omit<Event, 'event_id' | 'at' | 'node'>) => void,
  at: number,
  month: number,
): void {
  const { id: agent, owner } = agentOf(random.pick(['support-triage', 'procurement-agent', 'release-manager']));
  const hold = {
    layer: 'decide',
    decision_id: id(random, 'dec', at),
    hold_id: id(random, 'hold', at),
    agent,
    owner,
    verdict: 'hold',
    trigger: 'rule',
    rules: [month % 3 === 0 ? 'holdpoint/relay' : 'holdpoint/exception'],
    task: `T-${10_000 + month}`,
  } as const;
  add(at, {
    ...hold,
    type: 'hold.opened',
    ...byGateway,
    reason: 'Two customers have the same name.',
    level: 2,
    groups: ['operations-desk'],
    respond_within_ms: 4 * HOUR,
  });
  const takes = Math.round(random.around(40 * MINUTE, 0.5));
  const person = { actor: 'olga@example.com', actor_kind: 'reviewer', channel: 'console', held_ms: takes } as const;
  const [type, code, reason] =
    month % 3 !== 0
      ? (['hold.answered', undefined, 'The one in Leeds.'] as const)
      : month % 2 !== 0
        ? (['hold.accepted', undefined, 'I take it.'] as const)
        : (['hold.returned', 'missing-information', 'Which of them?'] as const);
  add(at + takes, { ...hold, ...person, type, reason, ...(code && { code }) });
}
