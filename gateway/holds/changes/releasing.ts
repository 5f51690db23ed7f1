import type { CallHold } from '../../domain/hold.ts';
import type { Drift } from '../../domain/metering.ts';
import { asked, carriedOver } from '../escalation.ts';
import { byGateway, changed, heldFor, type Change, type Command, type Step } from './change.ts';

const systemFailed = { failure: 'system-failed' } as const;

/** Policy asks again: the approval is void, and the deadlines begin anew. */
export function reopen(hold: CallHold, command: Command<'reopen'>, now: number): Change {
  const { rules, reason, terms, cost, policyRevision } = command;
  return changed(
    hold,
    {
      status: 'pending',
      revision: hold.revision + 1,
      rules,
      reason,
      terms,
      cost,
      policyRevision,
      ...asked(terms, now),
      escalations: carriedOver({ ...hold, askedAt: now, extended: false }, terms, now).escalations,
      grantId: null,
      redeemBy: null,
      decidedAt: null,
      decidedBy: null,
      note: null,
    },
    { type: 'hold.reopened', ...byGateway, reason, policy_revision: policyRevision },
  );
}

export function release(hold: CallHold, command: Command<'release'>, now: number): Change {
  const { attempt: id, by, key, policyRevision } = command;
  return changed(
    hold,
    { execution: 'releasing', attempt: { id, by, at: now, key, number: 1 } },
    { type: 'hold.released', ...byGateway, policy_revision: policyRevision, ...heldFor(hold, now) },
  );
}

/** Sends again under the key of the first attempt. */
export function resend(hold: CallHold, command: Command<'resend'>, now: number): Change {
  const { attempt: id, by, policyRevision } = command;
  const { key, number } = hold.attempt ?? { key: id, number: 0 };
  const reason = `attempt ${number + 1}, under the same Idempotency-Key`;
  return changed(
    hold,
    { execution: 'releasing', resendAt: null, attempt: { id, by, at: now, key, number: number + 1 } },
    { type: 'hold.released', ...byGateway, reason, policy_revision: policyRevision, ...heldFor(hold, now) },
  );
}

export function executed(hold: CallHold, command: Command<'executed'>, now: number): Change {
  const { response, cost, drift, notes = [] } = command;
  const { status } = response;
  return changed(
    hold,
    { execution: 'executed', resendAt: null, upstreamStatus: status },
    {
      type: 'hold.executed',
      ...byGateway,
      ...(status >= 500 && systemFailed),
      status,
      ...(cost && { cost: cost.amount, cost_unit: cost.unit }),
      ...sinceSent(hold, now),
    },
    ...(drift ? [drifted(drift, status)] : []),
    ...notes.map((code): Step => ({ type: 'call.noted', ...byGateway, channel: 'agent', code, status })),
  );
}

/** The agent was answered all the same; its call is the one that the answer contradicts. */
function drifted({ rules, reason, policyRevision }: Drift, status: number): Step {
  return {
    type: 'call.drifted',
    actor: 'policy',
    actor_kind: 'gateway',
    channel: 'agent',
    rules,
    reason,
    policy_revision: policyRevision,
    failure: 'system-drifted',
    status,
  };
}

export function failed(hold: CallHold, { reason }: Command<'failed'>, now: number): Change {
  return changed(
    hold,
    { execution: 'failed' },
    { type: 'hold.failed', ...byGateway, ...systemFailed, reason, ...sinceSent(hold, now) },
  );
}

export function indeterminate(hold: CallHold, command: Command<'indeterminate'>, now: number): Change {
  const { reason, resendAt } = command;
  return changed(
    hold,
    { execution: 'indeterminate', resendAt },
    { type: 'hold.indeterminate', ...byGateway, ...systemFailed, reason, ...sinceSent(hold, now) },
  );
}

export function leaveToPeople(hold: CallHold, { reason }: Command<'leave-to-people'>): Change {
  return changed(hold, { resendAt: null }, { type: 'hold.indeterminate', ...byGateway, reason });
}

function sinceSent({ attempt }: CallHold, now: number): { readonly upstream_ms?: number } {
  return attempt ? { upstream_ms: Math.max(0, now - attempt.at) } : {};
}
