import { visibleLine, writtenOut } from '../../domain/visible-text.ts';
import { clip, type HoldMessage, type NotificationMessage } from './notification-message.ts';

/** Longest value in a line, in characters. An operation may hold a path as long as an agent likes. */
const LONGEST_VALUE = 200;

/** What is said first; of what people decided, `decision` says it. */
const BEGINNINGS = {
  'hold.reminded': 'Still waiting',
  'hold.escalated': 'Escalated to you',
  'hold.edited': 'Changed, please look again',
  'hold.reopened': 'Asked again',
  'hold.expired': 'Expired, nobody decided',
  'hold.indeterminate': 'Outcome unknown, please find out',
  'call.blocked': 'Blocked by policy',
} as const satisfies Partial<Record<NotificationMessage['type'], string>>;

const WANTED = {
  approval: 'Approval wanted',
  exception: 'Help wanted',
  relay: 'Work handed over',
} as const satisfies Record<HoldMessage['data']['kind'], string>;

const DECISIONS: Partial<Record<HoldMessage['data']['status'], string>> = {
  approved: 'Approved',
  rejected: 'Rejected',
  'taken-over': 'Taken over',
  answered: 'Answered',
  accepted: 'Accepted',
  returned: 'Returned',
  cancelled: 'Withdrawn',
};

/** The command that shows a hold, with what its reader may do; null without a hold. */
export function command({ data }: NotificationMessage): string | null {
  if (!('hold_id' in data)) return null;
  return `npx holdpoint holds show ${data.hold_id} --url ${data.url.replace(/\/(?:#\/)?holds\/[^/]*$/, '')}`;
}

/** What it is about, on one line: a line break in what becomes a header line would begin another (RFC 5322 section 2.2). */
export function headline(message: NotificationMessage): string {
  const { system, operation, agent } = message.data;
  const what = operation === null ? '' : `${operation} on ${system}, `;
  return visibleLine(`${beginning(message)}: ${clip(what, LONGEST_VALUE)}by ${agent}`);
}

function beginning(message: NotificationMessage): string {
  switch (message.type) {
    case 'hold.opened': {
      const { kind, level } = message.data;
      return kind === 'approval' && level === 3 ? 'A person is wanted to do this' : WANTED[kind];
    }
    case 'hold.decided':
    case 'hold.withdrawn':
      return decision(message.data);
    case 'hold.confirmed':
      return message.data.execution === 'confirmed-executed'
        ? 'Outcome known, it was executed'
        : 'Outcome known, it was not executed';
    default:
      return BEGINNINGS[message.type];
  }
}

/** The text without what readers make links of: the only link in a message is the gateway's own. */
export function withoutLinks(text: string): string {
  return text.replaceAll(/:(?=\/\/)|(?<=\bwww)\./gi, writtenOut);
}

/** What was decided and by whom. Without a person, policy has made the decision needless. */
function decision({ status, decided_by, code }: HoldMessage['data']): string {
  const done = DECISIONS[status];
  if (done === undefined || decided_by === null) return 'No decision is needed any more';
  return `${done} by ${decided_by}${code === null ? '' : ` (${code})`}`;
}

/** The rest, as names and values on one line each. Times are RFC 3339. */
export function facts(message: NotificationMessage): (readonly [name: string, value: string])[] {
  const { data } = message;
  const common = [
    ['Agent', data.owner === null ? data.agent : `${data.agent}, owned by ${data.owner}`],
    ['System', data.system],
    ['Operation', data.operation],
    ['Rules', data.rules.join(', ')],
  ] as const;
  const more = message.type === 'call.blocked' ? ([['Decision', message.data.decision_id]] as const) : timesOf(message);
  return [...common, ...more].flatMap(([name, value]) =>
    value ? [[name, clip(visibleLine(value), LONGEST_VALUE)] as const] : [],
  );
}

/** Until when people may decide, or when they did. */
function timesOf({ type, data }: HoldMessage): (readonly [name: string, value: string | null])[] {
  switch (type) {
    case 'hold.decided':
    case 'hold.withdrawn':
    case 'hold.confirmed':
      return [['Decided', data.decided_at]];
    default:
      return [
        ['May decide', data.groups?.join(', ') ?? 'any reviewer'],
        ['Assigned to', data.assignee],
        ['Decide by', data.sla_at],
        ['Expires', data.expires_at],
      ];
  }
}
