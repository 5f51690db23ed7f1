import { asks, follows, type Notification, type NotificationOutcome } from '../../domain/notification.ts';
import type { NotificationStore } from '../../domain/notification.ts';
import type { Hold } from '../../domain/hold.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { PreferenceStore } from '../../domain/preferences.ts';
import { mailTime, type Urgency } from './mail-time.ts';
import { isAnswered } from './reaction.ts';

/** How long a chat message has to be answered before mail says the same, in milliseconds. */
const CHAT_FIRST = 15_000;
/** How long a message waits for an earlier one that another round may be sending, in milliseconds. */
const TURN = 10_000;

/** `send`: now, with the messages that belong to it: what a digest is made of, or what was told of the hold before. */
export type Plan = { readonly send: readonly Notification[] } | NotificationOutcome;

/** Decides, when a message is due, whether it is still needed and may be sent already. */
export type Planner = { plan(notification: Notification, now: number): Promise<Plan> };

/** @param deps.seenAt when a person who may decide last looked at a hold, as far as this process knows */
export function createPlanner(deps: {
  readonly notifications: Pick<NotificationStore, 'earlier' | 'gathered' | 'settle'>;
  readonly holds: Pick<HoldStore, 'find'>;
  readonly preferences: Pick<PreferenceStore, 'of'>;
  readonly seenAt: (holdId: string) => number | null;
}): Planner {
  const { notifications, holds, preferences, seenAt } = deps;

  async function planOne(notification: Notification, now: number): Promise<Plan> {
    const { kind, holdId, channel } = notification;
    // Programs get every message, in the words of its moment.
    if (channel.startsWith('webhook/')) return { send: [] };
    const hold = holdId === null ? null : await holds.find(holdId);
    if (isStale(notification, hold)) return { state: 'dropped' };
    const earlier = await notifications.earlier(notification);
    if (follows(kind) || kind === 'expired') {
      if (earlier.some(({ state }) => state === 'waiting')) return later(now + TURN);
      if (follows(kind) && !earlier.some(({ state }) => state === 'sent')) return afterDigest(earlier, now);
    }
    const told = earlier.filter(({ state }) => state === 'sent');
    return (channel === 'email' ? await mailLater(notification, hold, now) : null) ?? { send: told };
  }

  /** Why a mail is not sent now; null when it is. */
  async function mailLater(mail: Notification, hold: Hold | null, now: number): Promise<NotificationOutcome | null> {
    const { kind, to, ifUnanswered, createdAt } = mail;
    if (to === null) return null;
    const wishes = await preferences.of(to);
    if (wishes.mail === 'never') return { state: 'dropped' };
    if (ifUnanswered && wishes.mail === 'if-unanswered' && hold !== null && asks(kind)) {
      if (isAnswered(hold, createdAt, seenAt(hold.id), now)) return { state: 'dropped' };
      if (now < createdAt + CHAT_FIRST) return later(createdAt + CHAT_FIRST);
    }
    const at = mailTime(wishes, urgencyOf(mail, hold), now);
    return at === null ? null : { state: 'gathered', nextAt: at };
  }

  /** What is still needed when the digest is due: of each hold the latest message. */
  async function planDigest(digest: Notification, now: number): Promise<Plan> {
    const parts = await notifications.gathered(digest.id);
    const latest = new Map(parts.map(({ id, holdId }) => [holdId ?? id, id]));
    const needed: Notification[] = [];
    for (const part of parts) {
      const plan = latest.get(part.holdId ?? part.id) === part.id ? await planOne(part, now) : DROPPED;
      if ('state' in plan && plan.state === 'dropped') await notifications.settle(part.id, plan);
      else needed.push(part);
    }
    return needed.length === 0 ? DROPPED : { send: needed };
  }

  return {
    plan: (notification, now) =>
      notification.kind === 'digest' ? planDigest(notification, now) : planOne(notification, now),
  };
}

const DROPPED = { state: 'dropped' } as const satisfies NotificationOutcome;

/** Whether it asks for what was done meanwhile. */
function isStale({ kind }: Notification, hold: Hold | null): boolean {
  if (asks(kind)) return hold?.status !== 'pending';
  return kind === 'indeterminate' && hold?.execution !== 'indeterminate';
}

/** Who was not told of a hold is not told its end either; but its first message may be in the digest that is just being sent. */
function afterDigest(earlier: readonly Notification[], now: number): NotificationOutcome {
  const gathered = earlier.filter(({ state }) => state === 'gathered').map(({ nextAt }) => nextAt ?? 0);
  return gathered.length === 0 ? DROPPED : later(Math.max(now, ...gathered) + TURN);
}

/** What a person must do (level 3), what may have happened unseen, and what policy calls an alert wakes people. */
function urgencyOf({ kind }: Notification, hold: Hold | null): Urgency {
  if (kind === 'alert' || kind === 'indeterminate') return 'urgent';
  if (asks(kind) && hold !== null && hold.terms.level >= 3) return 'urgent';
  return kind === 'reminder' || kind === 'escalated' ? 'pressing' : 'calm';
}

function later(nextAt: number): NotificationOutcome {
  return { state: 'waiting', nextAt, error: null };
}
