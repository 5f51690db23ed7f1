import { follows, type Notification } from '../../domain/notification.ts';
import { DeliveryError } from './delivery-error.ts';
import type { NotificationMessage } from './notification-message.ts';
import type { Send } from './send.ts';
import type { Post } from './post.ts';
import { slackMessage } from './slack-message.ts';

const WEB_API = 'https://slack.com/api';

/** Errors of Slack after which the same message is never taken: it was deleted, or may not be changed any more. */
const FINAL: ReadonlySet<string> = new Set([
  'message_not_found',
  'cant_update_message',
  'edit_window_closed',
  'cant_edit_message',
]);

/**
 * Posts to a channel with a bot's token, and updates what it posted about a hold once the hold has ended: so no card goes
 * on asking. Slack Web API: `chat.postMessage`, `chat.update`.
 */
export function createSlackBot(
  {
    url = WEB_API,
    token,
    channel,
  }: { readonly url?: string | undefined; readonly token: string; readonly channel: string },
  post: Post,
): Send {
  const api = url.replace(/\/+$/, '');

  async function call(method: string, body: object): Promise<{ channel: string; ts: string }> {
    const headers = { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${token}` };
    const answer = parsed(await post(`${api}/${method}`, JSON.stringify(body), headers));
    if (answer.ok === true) return { channel: String(answer.channel), ts: String(answer.ts) };
    // A word of theirs, and nothing else that they may have sent.
    const error = /^[a-z_]{1,40}$/.test(String(answer.error))
      ? String(answer.error)
      : 'an answer that is none of Slack';
    throw new DeliveryError(FINAL.has(error) ? 'gone' : 'refused', `Slack: ${error}`);
  }

  return async ({ kind, payload }, earlier) => {
    const message = slackMessage(JSON.parse(payload) as NotificationMessage);
    const cards = follows(kind) || kind === 'expired' ? earlier.flatMap(cardOf) : [];
    for (const card of cards) await call('chat.update', { ...card, ...message });
    if (cards.length > 0) return null;
    const posted = await call('chat.postMessage', { channel, ...message });
    return `${posted.channel}/${posted.ts}`;
  };
}

/** Where a message is: the channel's identifier, and the time that is its name there. */
function cardOf({ receipt }: Notification): { channel: string; ts: string }[] {
  const [channel, ts] = receipt?.split('/') ?? [];
  return channel && ts ? [{ channel, ts }] : [];
}

function parsed(text: string): { ok?: unknown; error?: unknown; channel?: unknown; ts?: unknown } {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}
