import type { LookupFunction } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../domain/clock.ts';
import type { Notification } from '../../domain/notification.ts';
import { DeliveryError } from './delivery-error.ts';
import type { NotificationMessage } from './notification-message.ts';
import type { NotifyConfig } from './notify-config.ts';
import { createPost } from './post.ts';
import { slackMessage } from './slack-message.ts';

/** Knows the ways by which people are told. */
export type Notifier = {
  /** One attempt, within half a minute. @throws DeliveryError when it failed */
  deliver(notification: Notification): Promise<void>;
};

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
  const channels = new Map<string, (notification: Notification) => Promise<void>>();

  for (const [name, { url, secret }] of Object.entries(config.webhooks)) {
    const webhook = new Webhook(secret);
    channels.set(`webhook/${name}`, ({ id, payload }) => {
      const now = clock();
      return post(url, payload, {
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now / 1000)),
        'webhook-signature': webhook.sign(id, new Date(now), payload),
      });
    });
  }
  for (const [name, { url }] of Object.entries(config.slack))
    channels.set(`slack/${name}`, ({ payload }) => post(url, slackMessage(JSON.parse(payload) as NotificationMessage)));
  const { email } = config;
  if (email) {
    // Loaded where mail is sent alone: the library is a tenth of control's memory.
    const mailer = import('./mailer.ts').then(({ createMailer }) => createMailer(email));
    channels.set('email', async (notification) => (await mailer)(notification));
  }

  return {
    async deliver(notification) {
      const send = channels.get(notification.channel);
      // Not given up at once: another gateway on the same store may know it already, or still.
      if (!send) throw new DeliveryError('refused', `${notification.channel} is not in the configuration`);
      await send(notification);
    },
  };
}
