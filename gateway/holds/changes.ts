import { isQuorate } from './quorum.ts';
import type { Event } from '../domain/event.ts';
import type { Hold, HoldCommand } from '../domain/hold.ts';

/** How long an approval may wait to be collected, in milliseconds. */
export const REDEEM_WITHIN = 24 * 3_600_000;

/** The part of an event that the step itself decides; the store adds whose hold it is. */
export type Step = Pick<Event, 'type' | 'layer' | 'actor' | 'actor_kind'> &
  Partial<Pick<Event, 'channel' | 'code' | 'reason' | 'status' | 'policy_revision' | 'held_ms' | 'upstream_ms'>>;

/** A hold after a command, one version on, and the steps that the record must show. */
export type Change = { readonly hold: Hold; readonly events: readonly Step[] };

const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;

/** Carries a permitted command out. Call it only through `transition`, which asks the guards. */
export function changes(hold: Hold, command: HoldCommand, now: number): Change {
  const next = (patch: Partial<Hold>, ...events: Step[]): Change => ({
    hold: { ...hold, ...patch, version: hold.version + 1 },
    events,
  });
  const decided = { decidedAt: now };
  const held_ms = now - hold.createdAt;

  switch (command.type) {
    case 'approve': {
      const { by, channel, note } = command;
      const who = {
        actor: by.id,
        actor_kind: 'reviewer',
        channel,
        ...(note === null ? {} : { reason: note }),
      } as const;
      const votes = [...hold.votes, { reviewer: by.id, revision: hold.revision, channel, note, at: now }];
      const voted: Step = { type: 'hold.voted', layer: 'decide', ...who, held_ms };
      if (!isQuorate({ ...hold, votes })) return next({ votes }, voted);
      return next(
        { ...decided, votes, status: 'approved', decidedBy: by.id, note, redeemBy: now + REDEEM_WITHIN },
        voted,
        { type: 'hold.approved', layer: 'decide', ...who, held_ms },
      );
    }
    case 'reject': {
      const { by, channel, code, note } = command;
      return next(
        { ...decided, status: 'rejected', decidedBy: by.id, code, note },
        {
          type: 'hold.rejected',
          layer: 'decide',
          actor: by.id,
          actor_kind: 'reviewer',
          channel,
          code,
          ...(note === null ? {} : { reason: note }),
          held_ms,
        },
      );
    }
    case 'cancel':
      return next(
        { ...decided, status: 'cancelled', decidedBy: command.by },
        { type: 'hold.cancelled', layer: 'decide', actor: command.by, actor_kind: 'agent', held_ms },
      );
    case 'give-handle':
      return next({ handle: true });
    case 'expire':
      return next({ ...decided, status: 'expired' }, { type: 'hold.expired', layer: 'decide', ...byGateway, held_ms });
    case 'lapse':
      return next({ ...decided, status: 'lapsed' }, { type: 'hold.lapsed', layer: 'decide', ...byGateway, held_ms });
    case 'supersede': {
      const { reason, policyRevision } = command;
      return next(
        { ...decided, status: 'superseded', decidedBy: null, note: reason },
        { type: 'hold.superseded', layer: 'decide', ...byGateway, reason, policy_revision: policyRevision, held_ms },
      );
    }
    case 'reopen': {
      const { rules, reason, terms, policyRevision } = command;
      return next(
        {
          status: 'pending',
          revision: hold.revision + 1,
          rules,
          reason,
          terms,
          policyRevision,
          expiresAt: now + terms.expiresIn,
          redeemBy: null,
          decidedAt: null,
          decidedBy: null,
          note: null,
        },
        { type: 'hold.reopened', layer: 'decide', ...byGateway, reason, policy_revision: policyRevision },
      );
    }
    case 'release': {
      const { attempt, by, policyRevision } = command;
      return next(
        { execution: 'releasing', attempt: { id: attempt, by, at: now } },
        { type: 'hold.releasing', layer: 'execute', ...byGateway, policy_revision: policyRevision, held_ms },
      );
    }
    case 'executed': {
      const { status } = command.response;
      return next(
        { execution: 'executed', upstreamStatus: status },
        { type: 'hold.executed', layer: 'record', ...byGateway, status, ...since(hold, now) },
      );
    }
    case 'failed':
      return next(
        { execution: 'failed' },
        { type: 'hold.failed', layer: 'execute', ...byGateway, reason: command.reason, ...since(hold, now) },
      );
    case 'indeterminate':
      return next(
        { execution: 'indeterminate' },
        { type: 'hold.indeterminate', layer: 'execute', ...byGateway, reason: command.reason, ...since(hold, now) },
      );
  }
}

const since = (hold: Hold, now: number) => (hold.attempt ? { upstream_ms: now - hold.attempt.at } : {});
