import { answered, PROBLEM, type CallRecord } from './call-record.ts';
import type { Gate, HoldTerms } from './gates.ts';
import { step, tellHold, type Grant, type HoldBase, type Step } from './hold-story.ts';
import { id } from './identifier.ts';
import type { Attempt } from './judgement.ts';
import type { Random } from './random.ts';
import type { Story } from './story.ts';
import { answer, costOf, drifts } from './system-story.ts';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** How long a caller waits for people. */
const WAIT = 50 * SECOND;
/** How long an approval waits for its caller. */
const REDEEM = 24 * HOUR;
/** Of approvals, one in so many comes to nothing, where people are asked before. */
const MISHAP = 0.012;

const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;

type Ended = Partial<Story> & {
  /** The grant that came with the approval. */
  readonly given: Grant | null;
};

/** The story of a held call: for its caller, with reviewers, and at the system. */
export function tellHeld(
  random: Random,
  { at, work }: Attempt,
  record: CallRecord,
  terms: { readonly gate: Gate & { readonly terms: HoldTerms }; readonly share: number; readonly grant: Grant | null },
): Ended {
  const { operation, agent } = work;
  const { gate } = terms;
  const openedAt = at + 1;
  const holdId = id(random, 'hold', openedAt);
  const { trigger, reason } = gate;
  const base: HoldBase = { ...record.whose, ...record.said, hold_id: holdId, trigger, reason };
  const { events, grant: given, ...hold } = tellHold(random, { base, openedAt, ...terms });
  const { decidedAt } = hold;
  events.forEach(record.add);
  const add = (when: number, more: Step) => record.add(step(base, openedAt, when, more));
  const held = { hold_id: holdId };

  // Agents that prefer to be told later get an answer at once; the others wait for a while.
  const waits = decidedAt - openedAt < WAIT;
  const asynchronous = !waits && random.next() < 0.7;
  if (asynchronous) record.completed(at + 3, at, record.whose, { ...PROBLEM, ...held, status: 202, held_ms: 1 });
  else if (!waits) {
    const pending = { ...PROBLEM, ...held, status: 503, code: 'approval-pending', held_ms: WAIT };
    record.completed(at + WAIT, at, record.whose, pending);
  }

  if (hold.status !== 'approved') {
    const failure = hold.status === 'rejected' ? 'boundary-exceeded' : null;
    if (waits) {
      const refused = { ...PROBLEM, ...held, status: 403, code: hold.status, held_ms: decidedAt - openedAt };
      record.completed(decidedAt + 1, at, record.whose, { ...refused, ...(failure && { failure }) });
    }
    return { hold, failure, given };
  }
  const mishap =
    !waits && random.next() < MISHAP ? random.pick(['lapsed', 'superseded', 'indeterminate'] as const) : null;
  if (mishap === 'lapsed') {
    add(decidedAt + REDEEM, { type: 'hold.lapsed', layer: 'decide', ...byGateway });
    return { hold: { ...hold, status: 'lapsed' }, given };
  }
  if (mishap === 'superseded') {
    const changed = 'Policy in force no longer permits the call.';
    add(decidedAt + 1, { type: 'hold.superseded', layer: 'decide', ...byGateway, reason: changed });
    return {
      hold: { ...hold, status: 'superseded', decidedBy: byGateway.actor, byPerson: false, decidedAt: decidedAt + 1 },
      given,
    };
  }

  // An agent that was told to come back sends the call again; for one that was promised an answer, control sends it.
  const backAt = waits || asynchronous ? null : decidedAt + Math.round(random.around(20 * SECOND, 0.8));
  const back =
    backAt === null
      ? null
      : { ...record.whose, call_id: id(random, 'call', backAt), decision_id: id(random, 'dec', backAt) };
  if (back && backAt !== null) {
    record.decided(backAt, back);
    add(backAt + 1, { type: 'hold.attached', layer: 'execute', actor: agent.id, actor_kind: 'agent' });
  }
  const releasedAt = (backAt ?? decidedAt + (waits ? 0 : 900)) + 2 + random.whole(20);
  add(releasedAt, { type: 'hold.released', layer: 'execute', ...byGateway });
  const got = answer(random, releasedAt, operation);
  const { executed, upstreamMs, status, code, failure } = got;
  const answeredAt = releasedAt + (upstreamMs ?? 3);
  const attachedCallId = back?.call_id ?? null;
  const end = answered(random, got, operation.responseBytes);
  const finish = (more: typeof end) => {
    if (waits) record.completed(answeredAt + 1, at, record.whose, { ...more, ...held, held_ms: decidedAt - openedAt });
    if (back && backAt !== null) record.completed(answeredAt + 1, backAt, back, { ...more, ...held });
  };

  if (mishap === 'indeterminate') {
    const lost = 'The connection broke before the answer came.';
    add(answeredAt, {
      type: 'hold.indeterminate',
      layer: 'execute',
      ...byGateway,
      reason: lost,
      failure: 'system-failed',
    });
    const saw = {
      actor: gate.terms.reviewers[0]!,
      actor_kind: 'reviewer',
      channel: 'console',
      code: 'executed',
    } as const;
    add(answeredAt + HOUR, { type: 'hold.confirmed', layer: 'record', ...saw, reason: 'It is there.' });
    finish({ ...PROBLEM, status: 502, code: 'upstream-failed', failure: 'system-failed' });
    return { hold, executed: true, failure: 'system-failed', attachedCallId, given };
  }
  const cost = executed ? costOf(random, operation) : null;
  const failed = failure && ({ failure } as const);
  if (upstreamMs === null)
    add(answeredAt, {
      type: 'hold.failed',
      layer: 'execute',
      ...byGateway,
      ...failed,
      reason: code ?? '',
      upstream_ms: 3,
    });
  else {
    const told = { status, upstream_ms: upstreamMs, ...(cost && { cost: cost.amount, cost_unit: cost.unit }) };
    add(answeredAt, { type: 'hold.executed', layer: 'record', ...byGateway, ...failed, ...told });
  }
  finish(end);
  const drifted = drifts(random, got, operation);
  if (drifted) record.drifted(answeredAt, status, held);
  return { hold, executed, upstreamMs, cost, failure: drifted ? 'system-drifted' : failure, attachedCallId, given };
}
