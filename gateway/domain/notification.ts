import type { Event, EventType } from './event.ts';
import type { Hold } from './hold.ts';

/** Why people are notified. */
export const NOTIFICATION_KINDS = [
  'opened',
  'reminder',
  'escalated',
  'edited',
  'reopened',
  'expired',
  'indeterminate',
  'alert',
  'decided',
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** The steps of a hold of which people are notified. */
export const NOTIFIED_STEPS: Partial<Record<EventType, Exclude<NotificationKind, 'alert'>>> = {
  'hold.opened': 'opened',
  'hold.reminded': 'reminder',
  'hold.escalated': 'escalated',
  'hold.edited': 'edited',
  'hold.reopened': 'reopened',
  'hold.expired': 'expired',
  'hold.indeterminate': 'indeterminate',
  'hold.approved': 'decided',
  'hold.rejected': 'decided',
  'hold.taken-over': 'decided',
  'hold.answered': 'decided',
  'hold.returned': 'decided',
  'hold.accepted': 'decided',
};

/** What happened; the notifications follow from it. */
export type NotificationTrigger =
  | { readonly kind: Exclude<NotificationKind, 'alert'>; readonly hold: Hold; readonly at: number }
  | { readonly kind: 'alert'; readonly event: Event; readonly groups: readonly string[]; readonly at: number };

/** One message to one place. It carries no secret and nothing that acts when it is opened. */
export type NotificationDraft = {
  readonly kind: NotificationKind;
  readonly holdId: string | null;
  /** Which configured way it goes, such as `webhook/ops`, `slack/finance` or `email`. */
  readonly channel: string;
  /** The recipient, where the channel needs one: a mail address. */
  readonly to: string | null;
  /** JSON: what the channel's message is made of. */
  readonly payload: string;
};

export type Notification = NotificationDraft & {
  readonly id: string;
  readonly createdAt: number;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string | null;
  /** Null when it is sent or given up. */
  readonly nextAt: number | null;
  readonly state: 'waiting' | 'sent' | 'dead';
};

/** What became of an attempt. */
export type NotificationOutcome =
  | { readonly state: 'sent' }
  | { readonly state: 'waiting'; readonly nextAt: number; readonly error: string }
  | { readonly state: 'dead'; readonly error: string };

export type NotificationStore = {
  /** Takes up to `limit` notifications that are due, so that no other process takes them before `until`. */
  take(now: number, until: number, limit: number): Promise<Notification[]>;
  settle(id: string, outcome: NotificationOutcome): Promise<void>;
  /** Those that were given up, newest first. */
  dead(filter: { readonly cursor?: string; readonly limit: number }): Promise<{
    items: Notification[];
    next: string | null;
  }>;
  /** Tries a dead one again, now. Null when there is none. */
  resend(id: string): Promise<Notification | null>;
  /** Notifies people of a call that policy blocked: once for each `key`. */
  alert(alert: { readonly key: string; readonly groups: readonly string[]; readonly event: Event }): Promise<void>;
};
