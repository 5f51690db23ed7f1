import type { Drift } from '../domain/metering.ts';
import type { Event } from '../domain/event.ts';
import type { GrantTerms } from '../domain/grant.ts';
import type { Hold, Vote } from '../domain/hold.ts';
import type { HoldCommand } from '../domain/hold-command.ts';
import type { Channel, Reviewer, Taker } from '../domain/principal.ts';
import { asked, broughtIn, carriedOver, nextStepAt, stepsDue, stepsLeft } from './escalation.ts';
import { takerId } from './guards.ts';
import { approvals, authority, isQuorate } from './quorum.ts';

/** How long an approval may wait to be collected, in milliseconds. */
export const REDEEM_WITHIN = 24 * 3_600_000;

/** How many places of an edit its event lists; an edit by hand has a few. */
const MOST_CHANGES = 100;

/** How long a claim lasts unless it is renewed, in milliseconds. */
export const LEASE = 5 * 60_000;

/** The part of an event that the step itself decides; the store adds whose hold it is. */
export type Step = Pick<Event, 'type' | 'layer' | 'actor' | 'actor_kind'> &
  Partial<
    Pick<
      Event,
      | 'channel'
      | 'code'
      | 'reason'
      | 'rules'
      | 'failure'
      | 'status'
      | 'policy_revision'
      | 'held_ms'
      | 'upstream_ms'
      | 'cost'
      | 'cost_unit'
      | 'groups'
      | 'level'
      | 'respond_within_ms'
      | 'changes'
    >
  >;

/** A hold after a command, one version on, the steps that the record must show, and the grant that comes with it. */
export type Change = { readonly hold: Hold; readonly events: readonly Step[]; readonly grant?: GrantTerms };

const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
const systemFailed = { failure: 'system-failed' } as const;

/** Carries a permitted command out. Call it only through `transition`, which asks the guards. */
export function changes(hold: Hold, command: HoldCommand, now: number): Change {
  const next = (patch: Partial<Hold>, ...events: Step[]): Change => ({
    hold: { ...hold, ...patch, version: hold.version + 1 },
    events,
  });
  // A clock that was set back must not give the record a negative time.
  const held_ms = Math.max(0, now - hold.createdAt);
  /** People have decided: nobody is at it any more, and no timer asks them. */
  const settled = { decidedAt: now, lease: null, remindAt: null, escalateAt: null } as const;

  switch (command.type) {
    case 'claim': {
      const by = takerId(command.by);
      const renewed = hold.lease?.by === by && now < hold.lease.until;
      const since = renewed ? hold.lease.since : now;
      const lease = { by, since, until: now + LEASE };
      return renewed
        ? next({ lease })
        : next({ lease }, { type: 'hold.claimed', layer: 'decide', ...person(command), held_ms });
    }
    case 'unclaim':
      return next({ lease: null }, { type: 'hold.unclaimed', layer: 'decide', ...person(command), held_ms });
    case 'note': {
      const notes = [...hold.notes, { by: command.by.id, at: now, text: command.text }];
      return next({ notes }, { type: 'hold.noted', layer: 'decide', ...person(command), held_ms });
    }
    case 'approve': {
      const voted = { ...hold, votes: [...hold.votes, vote(hold, command, now)] };
      return decideByVotes(voted, next, command, now, {
        type: 'hold.voted',
        layer: 'decide',
        ...person(command),
        ...said(command.note),
        held_ms,
      });
    }
    case 'edit': {
      const { digest, envelope, judgement, by, changed = [] } = command;
      const { terms } = judgement;
      const edited: Hold = {
        ...hold,
        ...judgement,
        digest,
        envelope,
        revision: hold.revision + 1,
        editors: [...new Set([...hold.editors, by.id])],
        ...carriedOver(hold, terms, now),
        expiresAt: Math.min(hold.expiresAt, now + terms.expiresIn),
        lease: null,
      };
      const voted = { ...edited, votes: [...hold.votes, vote(edited, { ...command, grant: null }, now)] };
      return next(
        { ...voted },
        {
          type: 'hold.edited',
          layer: 'decide',
          ...person(command),
          ...said(command.note),
          policy_revision: judgement.policyRevision,
          changes: changed.slice(0, MOST_CHANGES),
          held_ms,
        },
        { type: 'hold.voted', layer: 'decide', ...person(command), held_ms },
      );
    }
    case 'reject':
      return next(
        { ...settled, status: 'rejected', decidedBy: command.by.id, code: command.code, note: command.note },
        {
          type: 'hold.rejected',
          layer: 'decide',
          ...person(command),
          failure: 'boundary-exceeded',
          code: command.code,
          ...said(command.note),
          held_ms,
        },
      );
    case 'escalate': {
      const told = { at: now, by: command.by.id, note: command.note };
      const escalations = [...hold.escalations, ...broughtIn(hold, command.to, told)];
      const reason = [`to ${command.to.join(', ')}`, ...(command.note === null ? [] : [command.note])].join(': ');
      return next(
        // Who passes it on lets go of it.
        { escalations, lease: null },
        { type: 'hold.escalated', layer: 'decide', ...person(command), reason, held_ms },
      );
    }
    case 'take-over':
      return next(
        { ...settled, status: 'taken-over', decidedBy: command.by.id, note: command.note },
        { type: 'hold.taken-over', layer: 'decide', ...person(command), ...said(command.note), held_ms },
      );
    case 'outcome': {
      const { result, reference, note, by } = command;
      const outcome = { result, reference, note, by: by.id, at: now };
      const told = { layer: 'record', ...person(command), code: result, ...said(reference ?? note) } as const;
      if (hold.status === 'taken-over') return next({ outcome }, { type: 'hold.outcome', ...told });
      return next({ outcome, execution: confirmed(result === 'executed') }, { type: 'hold.confirmed', ...told });
    }
    case 'answer':
      return next(
        { ...settled, status: 'answered', decidedBy: command.by.id, note: command.note },
        {
          type: 'hold.answered',
          layer: 'decide',
          ...person(command),
          ...said(command.answer.option ?? command.note),
          held_ms,
        },
      );
    case 'accept':
      return next(
        { ...settled, status: 'accepted', decidedBy: takerId(command.by), note: command.note },
        { type: 'hold.accepted', layer: 'decide', ...person(command), ...said(command.note), held_ms },
      );
    case 'return':
      return next(
        { ...settled, status: 'returned', decidedBy: takerId(command.by), code: command.code, note: command.note },
        {
          type: 'hold.returned',
          layer: 'decide',
          ...person(command),
          code: command.code,
          ...said(command.note),
          held_ms,
        },
      );
    case 'cancel': {
      const { by, as, channel, reason } = command;
      const actor_kind = as === 'agent' ? 'agent' : 'reviewer';
      return next(
        { ...settled, status: 'cancelled', decidedBy: by, note: reason },
        {
          type: 'hold.cancelled',
          layer: 'decide',
          actor: by,
          actor_kind,
          channel: channel ?? 'agent',
          ...said(reason),
          held_ms,
        },
      );
    }

    case 'remind':
      return next({ remindAt: null }, { type: 'hold.reminded', layer: 'decide', ...byGateway, held_ms });
    case 'escalate-due': {
      const due = stepsDue(hold, now);
      const escalations = [...hold.escalations, ...due];
      const escalateAt = nextStepAt(hold.terms, hold.askedAt, now);
      return due.length === 0
        ? next({ escalateAt })
        : next(
            { escalations, escalateAt },
            { type: 'hold.escalated', layer: 'decide', ...byGateway, reason: reached(due), held_ms },
          );
    }
    case 'expire': {
      if (hold.terms.onExpiry === 'escalate' && !hold.extended) {
        const left = stepsLeft(hold, now);
        const { remindAt, expiresAt } = asked(hold.terms, now);
        const reason = ['expired', ...(left.length > 0 ? [reached(left)] : [])].join(', ');
        return next(
          { escalations: [...hold.escalations, ...left], escalateAt: null, remindAt, expiresAt, extended: true },
          { type: 'hold.escalated', layer: 'decide', ...byGateway, reason, held_ms },
        );
      }
      return next({ ...settled, status: 'expired' }, { type: 'hold.expired', layer: 'decide', ...byGateway, held_ms });
    }
    case 'lapse':
      return next({ ...settled, status: 'lapsed' }, { type: 'hold.lapsed', layer: 'decide', ...byGateway, held_ms });

    case 'give-handle':
      return next({ handle: true });
    case 'redeem': {
      const { grant, by, use } = command;
      return next(
        { ...settled, status: 'approved', decidedBy: by.join(', '), grantId: grant, redeemBy: now + REDEEM_WITHIN },
        { type: 'hold.approved', layer: 'decide', actor: grant, actor_kind: 'gateway', reason: use, held_ms },
      );
    }
    case 'supersede': {
      const { reason, policyRevision } = command;
      return next(
        { ...settled, status: 'superseded', decidedBy: null, note: reason },
        { type: 'hold.superseded', layer: 'decide', ...byGateway, reason, policy_revision: policyRevision, held_ms },
      );
    }
    case 'reopen': {
      const { rules, reason, terms, cost, policyRevision } = command;
      return next(
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
        { type: 'hold.reopened', layer: 'decide', ...byGateway, reason, policy_revision: policyRevision },
      );
    }
    case 'release': {
      const { attempt: id, by, key, policyRevision } = command;
      return next(
        { execution: 'releasing', attempt: { id, by, at: now, key, number: 1 } },
        { type: 'hold.released', layer: 'execute', ...byGateway, policy_revision: policyRevision, held_ms },
      );
    }
    case 'resend': {
      const { attempt: id, by, policyRevision } = command;
      const { key, number } = hold.attempt ?? { key: id, number: 0 };
      const reason = `attempt ${number + 1}, under the same Idempotency-Key`;
      return next(
        { execution: 'releasing', resendAt: null, attempt: { id, by, at: now, key, number: number + 1 } },
        { type: 'hold.released', layer: 'execute', ...byGateway, reason, policy_revision: policyRevision, held_ms },
      );
    }
    case 'executed': {
      const { response, cost, drift } = command;
      const { status } = response;
      const costs = cost ? { cost: cost.amount, cost_unit: cost.unit } : {};
      return next(
        { execution: 'executed', resendAt: null, upstreamStatus: status },
        {
          type: 'hold.executed',
          layer: 'record',
          ...byGateway,
          ...(status >= 500 && systemFailed),
          status,
          ...costs,
          ...since(hold, now),
        },
        ...(drift ? [drifted(drift, status)] : []),
      );
    }
    case 'failed':
      return next(
        { execution: 'failed' },
        {
          type: 'hold.failed',
          layer: 'execute',
          ...byGateway,
          ...systemFailed,
          reason: command.reason,
          ...since(hold, now),
        },
      );
    case 'indeterminate': {
      const { reason, resendAt } = command;
      return next(
        { execution: 'indeterminate', resendAt },
        { type: 'hold.indeterminate', layer: 'execute', ...byGateway, ...systemFailed, reason, ...since(hold, now) },
      );
    }
    case 'leave-to-people':
      return next(
        { resendAt: null },
        { type: 'hold.indeterminate', layer: 'execute', ...byGateway, reason: command.reason },
      );
    case 'read-back': {
      const { executed, evidence } = command;
      const result = executed ? 'executed' : 'not-executed';
      const outcome = { result, reference: null, note: evidence, by: 'read-back', at: now } as const;
      return next(
        { outcome, execution: confirmed(executed) },
        { type: 'hold.confirmed', layer: 'record', ...byGateway, code: result, reason: evidence },
      );
    }
  }

  function decideByVotes(
    voted: Hold,
    build: typeof next,
    { by, note, channel }: Extract<HoldCommand, { type: 'approve' }>,
    at: number,
    step: Step,
  ): Change {
    // One's vote is given: the next one may look.
    if (!isQuorate(voted)) return build({ votes: voted.votes, lease: null }, step);
    const approved: Partial<Hold> = { status: 'approved', decidedBy: by.id, note, redeemBy: at + REDEEM_WITHIN };
    const change = build({ ...settled, ...approved, votes: voted.votes }, step, {
      ...step,
      type: 'hold.approved',
      channel,
    });
    const grant = narrowest(approvals(voted));
    return grant ? { ...change, grant } : change;
  }
}

/** The agent was answered all the same; its call is the one that the answer contradicts. */
function drifted({ rules, reason, policyRevision }: Drift, status: number): Step {
  return {
    type: 'call.drifted',
    layer: 'record',
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

function vote(
  hold: Hold,
  {
    by,
    channel,
    note,
    seenAt,
    grant,
  }: { by: Reviewer; channel: Channel; note: string | null; seenAt: number | null; grant: GrantTerms | null },
  at: number,
): Vote {
  const as = authority(hold, by) ?? by;
  const { revision } = hold;
  return {
    reviewer: by.id,
    for: as.id === by.id ? null : as.id,
    groups: as.groups,
    revision,
    channel,
    note,
    grant,
    seenAt,
    at,
  };
}

/** What everybody who approved wanted to be covered; null when one of them approved this call alone. */
function narrowest(votes: readonly Vote[]): GrantTerms | null {
  return votes
    .map(({ grant }) => grant)
    .reduce((a, b) =>
      a && b
        ? {
            uses: Math.min(a.uses, b.uses),
            until: Math.min(a.until, b.until),
            open: a.open.filter((pointer) => b.open.includes(pointer)),
          }
        : null,
    );
}

function person({ by, channel }: { by: Taker; channel: Channel }) {
  return { actor: takerId(by), actor_kind: 'agent' in by ? 'agent' : 'reviewer', channel } as const;
}

const said = (text: string | null) => (text === null ? {} : { reason: text });
const confirmed = (executed: boolean) => (executed ? 'confirmed-executed' : 'confirmed-not');
const reached = (steps: readonly { readonly to: readonly string[] }[]) =>
  `to ${[...new Set(steps.flatMap(({ to }) => to))].join(', ')}`;
const since = (hold: Hold, now: number) => (hold.attempt ? { upstream_ms: Math.max(0, now - hold.attempt.at) } : {});
