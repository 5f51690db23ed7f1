import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, expect, test } from 'vitest';
import type { Notification } from '../../../../gateway/domain/notification.ts';
import type { DeliveryError } from '../../../../gateway/holds/notify/delivery-error.ts';
import { createNotifier } from '../../../../gateway/holds/notify/notifier.ts';
import { aHold } from '../../../helpers/hold.ts';
import { CONSOLE, NOTHING, notificationsOf } from './a-notification.ts';
import { startMailServer, type MailServer } from './mail-server.ts';

const servers: MailServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function mailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const server = await startMailServer(options);
  servers.push(server);
  return server;
}

function refusing(responseCode: number, text: string): SMTPServerOptions {
  return { onRcptTo: (_address, _session, done) => done(Object.assign(new Error(text), { responseCode })) };
}

/** Sends the mail about one hold. */
async function send(url: string, notice?: Notification): Promise<Notification> {
  const config = { ...NOTHING, email: { url, from: 'Holdpoint Prod <holdpoint@example.com>' } };
  const sent = notice ?? notificationsOf(config, { hold: aHold(Date.now(), { assignee: 'bea@example.com' }) })[0]!;
  await createNotifier(config).deliver(sent, []);
  return sent;
}

const failure = (url: string) =>
  send(url).then(
    () => null,
    (error: unknown) => error as DeliveryError,
  );

test('a mail says what is wanted, and that a machine sent it', async () => {
  const { port, mails } = await mailServer();
  const notice = await send(`smtp://127.0.0.1:${port}`);

  expect(mails).toHaveLength(1);
  const { from, to, text } = mails[0]!;
  expect([from, to]).toEqual(['holdpoint@example.com', ['bea@example.com']]);
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const headers = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  expect(headers).toEqual(
    expect.arrayContaining([
      'From: Holdpoint Prod <holdpoint@example.com>',
      'To: bea@example.com',
      'Subject: [Holdpoint] Approval wanted: POST /v1/refunds on payments, by billing-bot',
      `Message-ID: <${notice.id}@example.com>`,
      'Auto-Submitted: auto-generated',
      'List-ID: "Holdpoint" <holdpoint.example.com>',
      'Content-Type: text/plain; charset=utf-8',
    ]),
  );
  expect(body).toBe('Approval wanted: POST /v1/refunds on payments, by billing-bot');
  for (const part of [
    'too much',
    'Agent: billing-bot, owned by ana@example.com',
    `${CONSOLE}/holds/${notice.holdId}`,
    `npx holdpoint holds show ${notice.holdId} --url ${CONSOLE}`,
  ])
    expect(text.replaceAll('=\r\n', '')).toContain(part);
});

test('the mailer sends a repeated mail under the same Message-ID and date', async () => {
  const { port, mails } = await mailServer();
  const notice = await send(`smtp://127.0.0.1:${port}`);
  await send(`smtp://127.0.0.1:${port}`, { ...notice, attempts: 2 });
  expect(mails[1]!.text).toBe(mails[0]!.text);
});

test('a mail gets no headers or further recipients from what an agent does', async () => {
  const { port, mails } = await mailServer();
  const operation = 'POST /v1\r\nBcc: eve@example.com\r\n\r\nhello';
  const hold = aHold(Date.now(), {
    operation,
    reason: 'x\r\n.\r\nMAIL FROM:<eve@example.com>',
    assignee: 'bea@example.com',
  });
  const url = `smtp://127.0.0.1:${port}`;
  const [notice] = notificationsOf({ email: { url, from: 'holdpoint@example.com' } }, { hold });
  await send(url, notice);
  expect(mails).toHaveLength(1);
  expect(mails[0]!.to).toEqual(['bea@example.com']);
  expect(mails[0]!.text).not.toMatch(/^Bcc:/im);
  expect(mails[0]!.text).toMatch(/^Subject: \[Holdpoint\] Approval wanted: POST \/v1 Bcc: eve@example\.com hello/m);
});

test('the mailer signs in over TLS, with a password that has special characters', async () => {
  const starttls = await mailServer({ authOptional: false });
  const implicit = await mailServer({ authOptional: false, secure: true });
  await send(`smtp://holdpoint:p%40ss%20word@localhost:${starttls.port}`);
  await send(`smtps://holdpoint:p%40ss%20word@localhost:${implicit.port}`);
  for (const { mails, logins } of [starttls, implicit]) {
    expect(logins).toEqual(['holdpoint p@ss word']);
    expect(mails).toHaveLength(1);
  }
});

test('the mailer gives a password to no server without TLS, and keeps it out of errors', async () => {
  const plain = await mailServer({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
  const error = await failure(`smtp://holdpoint:p%40ss%20word@localhost:${plain.port}`);
  expect(error).toMatchObject({ because: 'refused', message: 'SMTP 500 (ETLS)' });
  expect([plain.logins, plain.mails]).toEqual([[], []]);

  const strict = await mailServer({ authOptional: false });
  expect(await failure(`smtp://holdpoint:top-secret@localhost:${strict.port}`)).toMatchObject({
    because: 'refused',
    message: 'SMTP 535 (EAUTH)',
  });
  expect(strict.logins).toContain('holdpoint top-secret');
});

test('the mailer tells a mailbox that does not exist from a server that is busy', async () => {
  const unknown = await mailServer(refusing(550, 'no such user bea@example.com'));
  expect(await failure(`smtp://127.0.0.1:${unknown.port}`)).toMatchObject({
    because: 'gone',
    message: 'SMTP 550 (EENVELOPE)',
  });
  const busy = await mailServer(refusing(451, 'greylisted'));
  expect(await failure(`smtp://127.0.0.1:${busy.port}`)).toMatchObject({
    because: 'refused',
    message: 'SMTP 451 (EENVELOPE)',
  });
});

test('the mailer says that a mail server is not there', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  expect(await failure(`smtp://127.0.0.1:${port}`)).toMatchObject({
    because: 'unreachable',
    message: 'no answer: ECONNREFUSED',
  });
});
