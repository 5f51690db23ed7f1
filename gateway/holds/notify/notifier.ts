import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../domain/clock.ts';
import { DeliveryError } from './delivery-error.ts';
import type { NotificationMessage } from './notification-message.ts';
import type { NotifyConfig } from './notify-config.ts';
import { createPost } from './post.ts';
import type { Send } from './send.ts';
import { createSlackBot } from './slack-bot.ts';
import { slackMessage } from './slack-message.ts';

/** Knows the ways by which people are told. */
export type Notifier = { readonly deliver: Send };

/** Bytes of Slack's answer that are read: it repeats the message. */
const SLACK_ANSWER = 2 ** 16;

/**
 * @param options.lookup how names are resolved, for tests; the system's way by default
 * @param options.timeout milliseconds that a webhook has to answer; 10 s by default
 */
export function createNotifier(
  config: NotifyConfig,
  options: { readonly clock?: Clock; readonly lookup?: LookupFunction; readonly timeout?: number } = {},
): Notifier {
  const { clock = Date.now, ...transport } = options;
  const post = createPost({ clock, ...transport });
  const channels = new Map<string, Send>();

  for (const [name, { url, secret }] of Object.entries(config.webhooks)) {
    const webhook = new Webhook(secret);
    channels.set(`webhook/${name}`, async ({ id, payload }) => {
      const now = clock();
      await post(url, payload, {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'webhook-signature': webhook.sign(id, new Date(now), payload),
      });
      return null;
    });
  }
  const ask = createPost({ clock, ...transport, mostOfAnswer: SLACK_ANSWER });
  for (const [name, { url, token, channel }] of Object.entries(config.slack)) {
    if (token !== undefined && channel !== undefined) {
      channels.set(`slack/${name}`, createSlackBot({ url, token, channel }, ask));
    } else if (url !== undefined) {
      channels.set(`slack/${name}`, async ({ payload }) => {
        await post(url, JSON.stringify(slackMessage(JSON.parse(payload) as NotificationMessage)));
        return null;
      });
    }
  }
  const { email } = config;
  if (email) {
    // Loaded where mail is sent alone: the library is a tenth of control's memory.
    const mailer = import('./mailer.ts').then(({ createMailer }) => createMailer(email));
    channels.set('email', async (notification, related) => (await mailer)(notification, related));
  }

  return {
    async deliver(notification, related) {
      const send = channels.get(notification.channel);
      // Not given up at once: another gateway on the same store may know it already, or still.
      if (!send) throw new DeliveryError('refused', `${notification.channel} is not in the configuration`);
      return await send(notification, related);
    },
  };
}
