import { visibleLine } from '../../domain/visible-text.ts';
import { clip, type HoldMessage, type NotificationMessage } from './notification-message.ts';

/** Longest value in a line, in characters. An operation may hold a path as long as an agent likes. */
const LONGEST_VALUE = 200;

const BEGINNINGS = {
  'hold.opened': {
    approval: 'Approval wanted',
    exception: 'Help wanted',
    relay: 'Work handed over',
  },
  'hold.reminded': 'Still waiting',
  'hold.escalated': 'Escalated to you',
  'hold.edited': 'Changed, please look again',
  'hold.reopened': 'Asked again',
  'hold.expired': 'Expired, nobody decided',
  'hold.indeterminate': 'Outcome unknown, please find out',
  'hold.decided': 'Decided',
  'call.blocked': 'Blocked by policy',
} as const satisfies Record<NotificationMessage['type'], string | Record<HoldMessage['data']['kind'], string>>;

/** The command that shows a hold, with what its reader may do; null without a hold. */
export function command({ data }: NotificationMessage): string | null {
  if (!('hold_id' in data)) return null;
  const [base] = data.url.split('/#/', 1);
  return `npx holdpoint holds show ${data.hold_id} --url ${base}`;
}

/** What it is about, on one line: a line break in what becomes a header line would begin another (RFC 5322 section 2.2). */
export function headline(message: NotificationMessage): string {
  const { system, operation, agent } = message.data;
  const what = operation === null ? '' : `${operation} on ${system}, `;
  return visibleLine(`${beginning(message)}: ${clip(what, LONGEST_VALUE)}by ${agent}`);
}

function beginning(message: NotificationMessage): string {
  if (message.type !== 'hold.opened') return BEGINNINGS[message.type];
  const { kind, level } = message.data;
  return kind === 'approval' && level === 3 ? 'A person is wanted to do this' : BEGINNINGS['hold.opened'][kind];
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
  const more =
    message.type === 'call.blocked'
      ? ([['Decision', message.data.decision_id]] as const)
      : ([
          ['May decide', message.data.groups?.join(', ') ?? 'any reviewer'],
          ['Assigned to', message.data.assignee],
          ['Decide by', message.data.sla_at],
          ['Expires', message.data.expires_at],
        ] as const);
  return [...common, ...more].flatMap(([name, value]) =>
    value ? [[name, clip(visibleLine(value), LONGEST_VALUE)] as const] : [],
  );
}
