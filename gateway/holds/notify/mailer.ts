import { createTransport, type NodemailerError } from 'nodemailer';
import { follows, type Notification } from '../../domain/notification.ts';
import { visibleLine } from '../../domain/visible-text.ts';
import { DeliveryError } from './delivery-error.ts';
import type { NotificationMessage } from './notification-message.ts';
import type { Send } from './send.ts';
import type { NotifyConfig } from './notify-config.ts';
import { command, facts, headline, withoutLinks } from './wording.ts';

/** Milliseconds for each wait of a mail's way to the server, and for the whole of it. */
const WAIT = 10_000;
const TIMEOUT = 30_000;

/** Sends mails, each under a `Message-ID` of its own, to which it resolves. */
export function createMailer({ url, from }: NonNullable<NotifyConfig['email']>): Send {
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

  const idOf = ({ id, receipt }: Pick<Notification, 'id' | 'receipt'>) => receipt ?? `<${id}@${domain}>`;

  return async (mail, related) => {
    const { to, createdAt } = mail;
    if (to === null) throw new DeliveryError('gone', 'it has no address');
    const { subject, text, thread } = mail.kind === 'digest' ? digest(related) : single(mail, related);
    const messageId = idOf({ ...mail, receipt: null });
    try {
      await transport.sendMail({
        from: sender,
        to: { name: '', address: to },
        subject,
        text,
        date: new Date(createdAt),
        // The same for each attempt, so that a recipient can tell a repeated mail.
        messageId,
        // RFC 5322 section 3.6.4: what one person is told of one hold is one thread.
        ...(thread.length > 0 && { inReplyTo: idOf(thread.at(-1)!), references: thread.map(idOf) }),
        headers: { 'Auto-Submitted': 'auto-generated' },
        list: { id: { url: `holdpoint.${domain}`, comment: 'Holdpoint' } },
        signal: AbortSignal.timeout(TIMEOUT),
      });
    } catch (error) {
      throw undelivered(error as NodemailerError);
    }
    return messageId;
  };
}

type Mail = { readonly subject: string; readonly text: string; readonly thread: readonly Notification[] };

/** A mail about one thing. That a hold has ended is a reply: some readers put mails into a thread by their subject too. */
function single({ kind, payload }: Notification, earlier: readonly Notification[]): Mail {
  const message = messageOf(payload);
  const [first] = earlier;
  const isReply = follows(kind) && first !== undefined;
  const about = headline(isReply ? messageOf(first.payload) : message);
  const how = command(message);
  const hint = how === null ? [] : [`The same from the command line:\n\n${how}`];
  return {
    subject: `${isReply ? 'Re: ' : ''}[Holdpoint] ${plain(about)}`,
    text: [...story(message), [NOTHING_ACTS, ...hint].join(' ')].join('\n\n'),
    thread: earlier,
  };
}

function digest(parts: readonly Notification[]): Mail {
  const stories = parts.map(({ payload }, index) => `${index + 1}. ${story(messageOf(payload)).join('\n\n')}`);
  return {
    subject: `[Holdpoint] ${parts.length} ${parts.length === 1 ? 'message' : 'messages'} that waited for you`,
    text: [...stories, NOTHING_ACTS].join('\n\n\n'),
    thread: [],
  };
}

const NOTHING_ACTS = 'Opening a link decides nothing.';

/** What happened, why, the rest on one line each, and where. */
function story(message: NotificationMessage): string[] {
  const { reason, url } = message.data;
  const lines = facts(message).map(([name, value]) => `${name}: ${plain(value)}`);
  return [plain(headline(message)), plain(reason), lines.join('\n'), url].filter(Boolean);
}

/** On one line, all of it seen, and nothing in it a link. */
const plain = (text: string) => withoutLinks(visibleLine(text));

const messageOf = (payload: string) => JSON.parse(payload) as NotificationMessage;

/** `Name <address>` or an address alone, as the configuration has checked. */
function mailbox(text: string): { name: string; address: string } {
  const [, name = '', address = text] = /^(.*)<(.*)>$/.exec(text.trim()) ?? [];
  return { name: name.trim().replace(/^"(.*)"$/, '$1'), address };
}

/** The server's own words stay out: some repeat what they were sent. */
function undelivered({ code, originalCode, responseCode, name }: NodemailerError): DeliveryError {
  if (responseCode === undefined) return new DeliveryError('unreachable', `no answer: ${originalCode ?? code ?? name}`);
  // RFC 5321 section 4.2.1: the same message will not be taken later. Below 550 it is about the session, not the message.
  const never = responseCode >= 550 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  return new DeliveryError(never ? 'gone' : 'refused', `SMTP ${responseCode} (${code})`);
}
