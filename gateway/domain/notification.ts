import type { Event, EventType } from './event.ts';
import type { Hold } from './hold.ts';

/** Why people are told. */
export const NOTICE_KINDS = [
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
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** Of which steps in the life of a hold people are told. */
export const NOTIFIED_STEPS: Partial<Record<EventType, Exclude<NoticeKind, 'alert'>>> = {
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

/** What happened, for whoever works out who has to be told. */
export type Occasion =
  | { readonly kind: Exclude<NoticeKind, 'alert'>; readonly hold: Hold; readonly at: number }
  | { readonly kind: 'alert'; readonly event: Event; readonly groups: readonly string[]; readonly at: number };

/** One message to one place. It carries no secret and nothing that acts when it is opened. */
export type NoticeDraft = {
  readonly kind: NoticeKind;
  readonly holdId: string | null;
  /** Which configured way it goes, such as `webhook/ops`, `slack/finance` or `email`. */
  readonly channel: string;
  /** To whom, where the channel needs to know: a mail address. */
  readonly to: string | null;
  /** JSON: what the channel's message is made of. */
  readonly payload: string;
};

export type Notice = NoticeDraft & {
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
export type NoticeOutcome =
  | { readonly state: 'sent' }
  | { readonly state: 'waiting'; readonly nextAt: number; readonly error: string }
  | { readonly state: 'dead'; readonly error: string };
