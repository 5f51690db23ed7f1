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
  'withdrawn',
  'confirmed',
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** Ask people for something: nobody needs them once the hold is decided. */
const ASKING = ['opened', 'reminder', 'escalated', 'edited', 'reopened'] as const satisfies readonly NotificationKind[];

/** Tell what became of a hold. People get them where they were told of it before; programs always do. */
export const FOLLOWING = ['decided', 'withdrawn', 'confirmed'] as const satisfies readonly NotificationKind[];

export function asks(kind: Notification['kind']): boolean {
  return (ASKING as readonly string[]).includes(kind);
}

export function follows(kind: Notification['kind']): kind is (typeof FOLLOWING)[number] {
  return (FOLLOWING as readonly string[]).includes(kind);
}

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
  'hold.cancelled': 'withdrawn',
  'hold.superseded': 'withdrawn',
  'hold.confirmed': 'confirmed',
};

/** What happened; the notifications follow from it. */
export type NotificationTrigger =
  | { readonly kind: Exclude<NotificationKind, 'alert'>; readonly hold: Hold; readonly at: number }
  | { readonly kind: 'alert'; readonly event: Event; readonly groups: readonly string[]; readonly at: number };

/** One message to one place. It carries no secret and nothing that acts when it is opened. */
export type NotificationDraft = {
  readonly kind: NotificationKind;
  readonly holdId: string | null;
  /**
   * Which configured way it goes, such as `webhook/ops`, `slack/finance` or `email`. Null: to all people who were told
   * of this hold, in the ways in which they were; the store knows them.
   */
  readonly channel: string | null;
  /** The recipient, where the channel needs one: a mail address. */
  readonly to: string | null;
  /** JSON: what the channel's message is made of. */
  readonly payload: string;
  /** A chat message says the same: mail is needed only if nobody reacts to that. */
  readonly ifUnanswered?: boolean;
};

/**
 * `gathered`: it waits to be part of a digest. `dropped`: nobody needed it any more, so that it was not sent.
 */
export const NOTIFICATION_STATES = ['waiting', 'gathered', 'sent', 'dropped', 'dead'] as const;

export type Notification = Omit<NotificationDraft, 'kind' | 'channel' | 'ifUnanswered'> & {
  readonly id: string;
  /** A digest is one mail made of those that were gathered. */
  readonly kind: NotificationKind | 'digest';
  readonly channel: string;
  readonly ifUnanswered: boolean;
  readonly createdAt: number;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly error: string | null;
  /** Null when it is sent, dropped or given up. */
  readonly nextAt: number | null;
  readonly state: (typeof NOTIFICATION_STATES)[number];
  /** Where the message is, in the words of its channel, so that it can be updated or replied to; null where it does not say. */
  readonly receipt: string | null;
};

/** What became of an attempt. */
export type NotificationOutcome =
  /** `contained`: the messages that the digest was made of. */
  | { readonly state: 'sent'; readonly receipt: string | null; readonly contained?: readonly string[] }
  /** Without an error, it was not yet time; that counts as no attempt. */
  | { readonly state: 'waiting'; readonly nextAt: number; readonly error: string | null }
  /** It becomes part of its recipient's digest of that time. */
  | { readonly state: 'gathered'; readonly nextAt: number }
  | { readonly state: 'dropped' }
  | { readonly state: 'dead'; readonly error: string };

export type NotificationFilter = {
  readonly state?: Notification['state'];
  /** `next` of an earlier page. */
  readonly cursor?: string;
  readonly limit: number;
};

export type NotificationStore = {
  /** Takes up to `limit` notifications that are due, so that no other process takes them before `until`. */
  take(now: number, until: number, limit: number): Promise<Notification[]>;
  settle(id: string, outcome: NotificationOutcome): Promise<void>;
  /** What was told of the same hold to the same recipient before, or is about to be; oldest first. */
  earlier(notification: Notification): Promise<Notification[]>;
  /** What a digest is made of, oldest first. */
  gathered(digest: string): Promise<Notification[]>;
  /** Those about one hold, oldest first. */
  about(holdId: string): Promise<Notification[]>;
  /** Newest first; of one state, or of all. */
  list(filter: NotificationFilter): Promise<{ items: Notification[]; next: string | null }>;
  /** Tries a dead one again, now. Null when there is none. */
  resend(id: string): Promise<Notification | null>;
  /** Notifies people of a call that policy blocked: once for each `key`. */
  alert(alert: { readonly key: string; readonly groups: readonly string[]; readonly event: Event }): Promise<void>;
};
