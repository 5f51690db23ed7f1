import type { Notification, NotificationDraft, NotificationKind } from '../../../../gateway/domain/notification.ts';
import { createId } from '../../../../gateway/domain/id.ts';
import type { NotifyConfig } from '../../../../gateway/holds/notify/notify-config.ts';
import { createCompose } from '../../../../gateway/holds/notify/compose.ts';
import { aHold, reviewer } from '../../../helpers/hold.ts';

export const CONSOLE = 'https://holdpoint.example.com';
export const SECRET = `whsec_${Buffer.alloc(32, 9).toString('base64')}`;
export const REVIEWERS = [reviewer('bea'), reviewer('carl')];

export const NOTHING: NotifyConfig = { webhooks: {}, slack: {} };

/** What the store gives out of a draft: taken for the first time. */
export function aNotification(draft: NotificationDraft, createdAt: number): Notification {
  const { channel, ifUnanswered = false, ...rest } = draft;
  if (channel === null) throw new Error('the store alone knows where it goes');
  const taken = { attempts: 1, error: null, nextAt: createdAt, state: 'waiting', receipt: null } as const;
  return { ...rest, id: createId('ntc'), channel, ifUnanswered, createdAt, ...taken };
}

/** The messages that a hold makes, ready to be delivered. */
export function notificationsOf(
  config: Partial<NotifyConfig>,
  {
    hold = aHold(Date.now()),
    kind = 'opened',
  }: { hold?: ReturnType<typeof aHold>; kind?: Exclude<NotificationKind, 'alert'> } = {},
): Notification[] {
  const at = Date.now();
  const compose = createCompose({ ...NOTHING, ...config }, REVIEWERS, CONSOLE);
  return compose({ kind, hold, at })
    .filter(({ channel }) => channel !== null)
    .map((draft) => aNotification(draft, at));
}
