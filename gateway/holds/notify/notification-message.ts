import { rulesOf } from '../../domain/decision.ts';
import type { Hold } from '../../domain/hold.ts';
import type { NotificationKind, NotificationTrigger } from '../../domain/notification.ts';
import { iso, isoOrNull } from '../../domain/time.ts';
import { visibleLine } from '../../domain/visible-text.ts';
import { maskText } from '../../secrets/secret.ts';
import { decidingGroups } from './audience.ts';

/** What a webhook's `type` says of each kind. */
const TYPES = {
  opened: 'hold.opened',
  reminder: 'hold.reminded',
  escalated: 'hold.escalated',
  edited: 'hold.edited',
  reopened: 'hold.reopened',
  expired: 'hold.expired',
  indeterminate: 'hold.indeterminate',
  decided: 'hold.decided',
  withdrawn: 'hold.withdrawn',
  confirmed: 'hold.confirmed',
  alert: 'call.blocked',
} as const satisfies Record<NotificationKind, string>;

/** Longest reason that is passed on, in characters; Slack takes no text that is much longer. */
const LONGEST_REASON = 500;

/** What is told of a hold: who wants what, who may decide until when, and where. Times are RFC 3339. */
export type HoldMessage = {
  readonly type: (typeof TYPES)[Exclude<NotificationKind, 'alert'>];
  readonly timestamp: string;
  readonly data: {
    readonly hold_id: string;
    readonly kind: Hold['kind'];
    readonly status: Hold['status'];
    readonly execution: Hold['execution'];
    readonly revision: number;
    readonly level: number;
    /** Null, as `operation` is, when no call is attached. */
    readonly system: string | null;
    readonly operation: string | null;
    readonly agent: string;
    readonly owner: string;
    readonly reason: string;
    readonly rules: readonly string[];
    /** Whose members may decide; null when any reviewer may. */
    readonly groups: readonly string[] | null;
    readonly assignee: string | null;
    readonly created_at: string;
    readonly sla_at: string;
    readonly expires_at: string;
    readonly decided_at: string | null;
    readonly decided_by: string | null;
    readonly code: string | null;
    readonly url: string;
  };
};

/** What is told of a call that policy blocked and wants people to know of. */
export type AlertMessage = {
  readonly type: (typeof TYPES)['alert'];
  readonly timestamp: string;
  readonly data: {
    readonly call_id: string | null;
    readonly decision_id: string | null;
    readonly system: string | null;
    readonly operation: string | null;
    readonly agent: string | null;
    readonly owner: string | null;
    readonly reason: string;
    readonly rules: readonly string[];
    readonly groups: readonly string[];
    readonly url: string;
  };
};

export type NotificationMessage = HoldMessage | AlertMessage;

/**
 * Picks what may be told. Every member is named here: what was sent, and what the agent or a reviewer says in their own
 * words, stays in the gateway, because a message travels through other people's systems. Operation and reason may repeat
 * what an agent sent: they are written so that every channel shows all of them, on one line.
 */
export function notificationMessage(trigger: NotificationTrigger, consoleUrl: string): NotificationMessage {
  const timestamp = iso(trigger.at);
  const base = consoleUrl.replace(/\/+$/, '');
  if (trigger.kind === 'alert') {
    const { call_id, decision_id, system, operation, agent, owner, reason, rules } = trigger.event;
    return {
      type: TYPES.alert,
      timestamp,
      data: {
        call_id: call_id ?? null,
        decision_id: decision_id ?? null,
        system: system ?? null,
        operation: operation === undefined ? null : visibleLine(operation),
        agent: agent ?? null,
        owner: owner ?? null,
        reason: clip(visibleLine(reason ?? ''), LONGEST_REASON),
        rules: rules ?? [],
        groups: trigger.groups,
        url: `${base}/`,
      },
    };
  }
  const { kind, hold } = trigger;
  const call = hold.kind === 'approval' ? hold : null;
  return {
    type: TYPES[kind],
    timestamp,
    data: {
      hold_id: hold.id,
      kind: hold.kind,
      status: hold.status,
      execution: hold.execution,
      revision: hold.revision,
      level: hold.terms.level,
      system: call && call.system,
      operation: call && visibleLine(maskText((call.onRecord ?? call).operation)),
      agent: hold.principal.agent,
      owner: hold.principal.owner,
      reason: clip(visibleLine(maskText(hold.reason)), LONGEST_REASON),
      rules: call ? rulesOf('hold', call.rules).map(({ id }) => id) : [],
      groups: decidingGroups(hold),
      assignee: hold.assignee,
      created_at: iso(hold.createdAt),
      sla_at: iso(hold.slaAt),
      expires_at: iso(hold.expiresAt),
      decided_at: isoOrNull(hold.decidedAt),
      decided_by: hold.decidedBy,
      code: hold.code,
      url: `${base}/holds/${hold.id}`,
    },
  };
}

/** The text, or its beginning and an ellipsis: at most `most` characters. */
export function clip(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`;
}
