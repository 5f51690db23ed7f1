import type { Event, LayeredEventType } from '../../domain/event.ts';
import type { GrantTerms } from '../../domain/grant.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldCommand } from '../../domain/hold-command.ts';
import type { Channel, Taker } from '../../domain/principal.ts';
import { takerId } from '../guards.ts';

/** The part of an event that the command decides; the store adds the hold's. */
export type Step = Pick<Event, 'actor' | 'actor_kind'> & { readonly type: LayeredEventType } & Partial<
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

/** A hold after a command, one version on, the steps to record in their order, and the grant that comes with it. */
export type Change = { readonly hold: Hold; readonly events: readonly Step[]; readonly grant?: GrantTerms };

/** One kind of command. */
export type Command<Type extends HoldCommand['type']> = HoldCommand & { readonly type: Type };

export const byGateway = { actor: 'holdpoint', actor_kind: 'gateway' } as const;

export function changed<H extends Hold>(hold: H, patch: Partial<H>, ...events: Step[]): Change {
  return { hold: { ...hold, ...patch, version: hold.version + 1 }, events };
}

/** What a decision ends: no person reviews the hold any more, and no timer asks for a decision. */
export function settled(now: number) {
  return { decidedAt: now, lease: null, remindAt: null, escalateAt: null } as const;
}

export function byPerson({ by, channel }: { readonly by: Taker; readonly channel: Channel }) {
  return { actor: takerId(by), actor_kind: 'agent' in by ? 'agent' : 'reviewer', channel } as const;
}

/** How long people were waited for. A clock that was set back must not give the record a negative time. */
export function heldFor({ createdAt }: Hold, now: number): { readonly held_ms: number } {
  return { held_ms: Math.max(0, now - createdAt) };
}

export function because(text: string | null): { readonly reason?: string } {
  return text === null ? {} : { reason: text };
}
