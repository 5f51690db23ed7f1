import { createTransport, type NodemailerError } from 'nodemailer';
import type { Notification } from '../../domain/notification.ts';
import { DeliveryError } from './delivery-error.ts';
import type { NotificationMessage } from './notification-message.ts';
import type { NotifyConfig } from './notify-config.ts';
import { command, facts, headline } from './wording.ts';

/** Milliseconds for each wait of a mail's way to the server, and for the whole of it. */
const WAIT = 10_000;
const TIMEOUT = 30_000;

/** Sends one mail. @throws DeliveryError when the server did not take it */
export type SendMail = (notification: Notification) => Promise<void>;

export function createMailer({ url, from }: NonNullable<NotifyConfig['email']>): SendMail {
  const server = new URL(url);
  const secure = server.protocol === 'smtps:';
  const auth = server.username && {
    user: decodeURIComponent(server.username),
    pass: decodeURIComponent(server.password),
  };
  const transport = createTransport({
    host: server.hostname.replace(/^\[|\]$/g, ''),
    port: Number(server.port) || (secure ? 465 : 587),
    secure,
    // A password is sent over TLS only: an attacker in between could claim that the server does not offer it.
    ...(auth && { auth, requireTLS: true }),
    dnsTimeout: WAIT,
    connectionTimeout: WAIT,
    greetingTimeout: WAIT,
    socketTimeout: WAIT,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sender = mailbox(from);
  const domain = sender.address.slice(sender.address.lastIndexOf('@') + 1);

  return async ({ id, to, createdAt, payload }) => {
    if (to === null) throw new DeliveryError('gone', 'it has no address');
    const message = JSON.parse(payload) as NotificationMessage;
    try {
      await transport.sendMail({
        from: sender,
        to: { name: '', address: to },
        subject: `[Holdpoint] ${headline(message)}`,
        text: mailText(message),
        date: new Date(createdAt),
        // The same for each attempt, so that a recipient can tell a repeated mail.
        messageId: `<${id}@${domain}>`,
        headers: { 'Auto-Submitted': 'auto-generated' },
        list: { id: { url: `holdpoint.${domain}`, comment: 'Holdpoint' } },
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch (error) {
      throw undelivered(error as NodemailerError);
    }
  };
}

/** `Name <address>` or an address alone, as the configuration has checked. */
function mailbox(text: string): { name: string; address: string } {
  const [, name = '', address = text] = /^(.*)<(.*)>$/.exec(text.trim()) ?? [];
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address };
}

function mailText(message: NotificationMessage): string {
  const { reason, url } = message.data;
  const how = command(message);
  return [
    headline(message),
    reason,
    facts(message)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n'),
    `${url}\n\nOpening the link decides nothing.${how === null ? '' : ` The same from the command line:\n\n${how}`}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The server's own words stay out: some repeat what they were sent. */
function undelivered({ code, originalCode, responseCode, name }: NodemailerError): DeliveryError {
  if (responseCode === undefined) return new DeliveryError('unreachable', `no answer: ${originalCode ?? code ?? name}`);
  // RFC 5321 section 4.2.1: the same message will not be taken later. Below 550 it is about the session, not the message.
  const never = responseCode >= 550 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  return new DeliveryError(never ? 'gone' : 'refused', `SMTP ${responseCode} (${code})`);
}
