import type { HoldDraft } from '../../../../gateway/domain/hold-store.ts';
import type { HoldTerms } from '../../../../gateway/domain/decision.ts';
import { isRefusal, type HoldCommand } from '../../../../gateway/domain/hold-command.ts';
import type { CallHold, Hold } from '../../../../gateway/domain/hold.ts';
import type { Reviewer } from '../../../../gateway/domain/principal.ts';
import { createCompose } from '../../../../gateway/holds/notify/compose.ts';
import { createLooks, type Looks } from '../../../../gateway/holds/notify/looks.ts';
import { createNotificationDelivery } from '../../../../gateway/holds/notify/notification-delivery.ts';
import { createNotifier } from '../../../../gateway/holds/notify/notifier.ts';
import type { NotifyConfig } from '../../../../gateway/holds/notify/notify-config.ts';
import { createPlanner } from '../../../../gateway/holds/notify/planner.ts';
import { openHoldStore, type OwnedStore } from '../../../../gateway/holds/store/store.ts';
import { draft, KEY, reviewer } from '../../../helpers/hold.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import type { Place, TestEngine } from '../store/engines.ts';
import { CONSOLE, SECRET } from './a-notification.ts';
import { startMailServer, type MailServer } from './mail-server.ts';
import { startSlackServer, TOKEN, type SlackServer } from './slack-server.ts';

/** A gateway that tells people, and where they read it: a mail server, Slack, and a program with a webhook. */
export type Office = {
  now: number;
  readonly place: Place;
  readonly mail: MailServer;
  readonly slack: SlackServer;
  /** Takes what incoming webhooks of Slack and signed webhooks get, under `/slack` and `/ops`. */
  readonly hooks: Upstream;
  readonly looks: Looks;
  store: OwnedStore;
  /** Where people are told; all by default: see `CHANNELS`. */
  channels: readonly (keyof Channels)[];
  hold(changes?: Partial<HoldDraft>, terms?: Partial<HoldTerms>): Promise<CallHold>;
  apply(hold: Pick<Hold, 'id'>, command: HoldCommand): Promise<Hold>;
  /** Delivers what is due now. */
  deliver(): Promise<void>;
  /** Another process in place of this one, which knows nothing but the store. */
  restart(): Promise<void>;
  /** Subjects of the mails since the last look. */
  subjects(): string[];
  close(): Promise<void>;
};

export type Channels = { readonly mail: true; readonly bot: true; readonly webhook: true; readonly program: true };

export async function openOffice(
  engine: TestEngine,
  reviewers: readonly Reviewer[] = [reviewer('ben')],
): Promise<Office> {
  const place = await engine.place();
  const [mail, slack, hooks] = await Promise.all([startMailServer(), startSlackServer(), startUpstream()]);
  let amount = 100;
  let read = 0;

  function config(): NotifyConfig {
    const has = (channel: keyof Channels) => office.channels.includes(channel);
    return {
      webhooks: has('program') ? { ops: { url: `${hooks.url}/ops`, secret: SECRET } } : {},
      slack: {
        ...(has('bot') && { bot: { url: slack.url, token: TOKEN, channel: '#finance', groups: ['finance'] } }),
        ...(has('webhook') && { hook: { url: `${hooks.url}/slack`, groups: ['finance'] } }),
      },
      ...(has('mail') && {
        email: { url: `smtp://127.0.0.1:${mail.port}`, from: 'Holdpoint <holdpoint@example.com>' },
      }),
    };
  }
  const open = () =>
    openHoldStore({
      ...place.at,
      key: KEY,
      node: 'test',
      clock: () => office.now,
      reviewers,
      compose: (trigger) => createCompose(config(), reviewers, CONSOLE)(trigger),
    });

  const office: Office = {
    now: Date.parse('2026-11-24T10:00:00Z'),
    place,
    mail,
    slack,
    hooks,
    looks: createLooks(() => office.now),
    store: undefined as unknown as OwnedStore,
    channels: ['mail', 'bot', 'webhook', 'program'],
    async hold(changes, terms) {
      const { hold } = await office.store.holds.open(draft((amount += 1), changes, terms));
      office.now += 1;
      return hold;
    },
    async apply({ id }, command) {
      const hold = await office.store.holds.apply(id, command);
      if (isRefusal(hold)) throw new Error(hold.detail);
      office.now += 1;
      return hold;
    },
    async deliver() {
      const { store, looks } = office;
      const delivery = createNotificationDelivery({
        notifications: store.notifications,
        planner: createPlanner({ ...store, seenAt: looks.last }),
        notifier: createNotifier(config(), { clock: () => office.now }),
        clock: () => office.now,
        interval: 1_000,
        random: () => 0.5,
        failed(error) {
          throw error;
        },
      });
      while ((await delivery.tick()) > 0);
    },
    async restart() {
      await office.store.close();
      office.store = await open();
    },
    subjects() {
      const fresh = mail.mails.slice(read);
      read = mail.mails.length;
      return fresh.map(({ text }) => /^Subject: (.*(?:\r\n[ \t].*)*)/m.exec(text)![1]!.replaceAll(/\r\n[ \t]+/g, ' '));
    },
    async close() {
      await office.store.close();
      await Promise.all([mail.close(), slack.close(), hooks.close()]);
      await place.remove();
    },
  };
  office.store = await open();
  return office;
}

/** What was posted to a path of `hooks`. */
export function posted({ hooks }: Office, path: string): { readonly text: string; readonly type: string }[] {
  return hooks.received.filter(({ url }) => url === path).map(({ body }) => JSON.parse(body.toString()) as never);
}
