import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reviewer, TWO_OF_FINANCE } from '../../../helpers/hold.ts';
import { engines } from '../store/engines.ts';
import { approve, indeterminate, reject, release } from '../store/stores.ts';
import { readMail } from './mail-server.ts';
import { openOffice, posted, type Office } from './office.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const WANTED = 'Approval wanted: createRefund on payments, by billing-bot';
const by = reviewer('ben');
const person = { by, channel: 'api', revision: 1 } as const;

describe.each(engines)('what people are told, kept in $name', (engine) => {
  let office: Office;
  beforeEach(async () => {
    office = await openOffice(engine, [by, reviewer('cleo', ['legal'])]);
  });
  afterEach(() => office.close());

  const first = (text: string) => text.split('\n')[0];
  const states = async (kind: string) =>
    (await office.place.raw(`select state from notices where kind = '${kind}' order by id`)).map(({ state }) => state);

  test('a card of a Slack app is updated once its hold is decided, and says by whom', async () => {
    office.channels = ['bot'];
    const hold = await office.hold();
    await office.deliver();
    await office.apply(hold, approve());
    await office.deliver();
    const [card, update, ...more] = office.slack.calls;
    expect(more).toEqual([]);
    expect(card).toMatchObject({
      method: 'chat.postMessage',
      channel: '#finance',
      text: expect.stringContaining(WANTED),
    });
    expect(update).toMatchObject({ method: 'chat.update', channel: 'C024BE91L', ts: '171.000100' });
    expect(first(update!.text)).toBe('Approved by ben@example.com: createRefund on payments, by billing-bot');
    expect(JSON.stringify(update!.blocks)).toContain('*Decided*\\n2026-11-24T10:00:00.001Z');
  });

  test('every card about a hold is updated, also by another process and at its expiry', async () => {
    office.channels = ['bot'];
    const hold = await office.hold();
    await office.deliver();
    office.now = hold.remindAt!;
    await office.apply(hold, { type: 'remind' });
    await office.deliver();
    await office.restart();
    office.now = hold.expiresAt;
    await office.apply(hold, { type: 'expire' });
    await office.deliver();
    expect(office.slack.calls.map(({ method, ts, text }) => [method, ts, first(text)!.split(':')[0]])).toEqual([
      ['chat.postMessage', undefined, 'Approval wanted'],
      ['chat.postMessage', undefined, 'Still waiting'],
      ['chat.update', '171.000100', 'Expired, nobody decided'],
      ['chat.update', '172.000100', 'Expired, nobody decided'],
    ]);
  });

  test('an incoming webhook, which cannot update, gets a message that follows; programs get it as always', async () => {
    office.channels = ['webhook', 'program'];
    const hold = await office.hold();
    await office.deliver();
    await office.apply(hold, { type: 'reject', code: 'wrong-amount', note: null, ...person });
    await office.deliver();
    expect(posted(office, '/slack').map(({ text }) => first(text))).toEqual([
      WANTED,
      'Rejected by ben@example.com (wrong-amount): createRefund on payments, by billing-bot',
    ]);
    expect(posted(office, '/ops').map(({ type }) => type)).toEqual(['hold.opened', 'hold.decided']);
  });

  test('a mail gets a reply in its thread that says what was decided, by whom and when', async () => {
    office.channels = ['mail'];
    const hold = await office.hold();
    await office.deliver();
    office.now += MINUTE;
    await office.apply(hold, { type: 'take-over', note: null, ...person });
    await office.deliver();
    const [asked, reply, ...more] = office.mail.mails.map(readMail);
    expect(more).toEqual([]);
    expect(reply!.headers).toMatchObject({
      subject: `Re: [Holdpoint] ${WANTED}`,
      'in-reply-to': asked!.headers['message-id'],
      references: asked!.headers['message-id'],
    });
    expect(reply!.headers['message-id']).not.toBe(asked!.headers['message-id']);
    expect(reply!.body).toContain('Taken over by ben@example.com: createRefund');
    expect(reply!.body).toContain('Decided: 2026-11-24T10:01:00.001Z');
  });

  test('what is withdrawn, superseded or found out is told to the people who were told of the hold', async () => {
    office.channels = ['webhook', 'program'];
    const withdrawn = await office.hold();
    const superseded = await office.hold();
    const unknown = await office.hold();
    await office.deliver();
    await office.apply(withdrawn, {
      type: 'cancel',
      by: 'billing-bot',
      as: 'agent',
      channel: 'agent',
      reason: null,
    });
    await office.apply(superseded, { type: 'supersede', reason: 'suspended', policyRevision: null });
    for (const command of [approve(), release, indeterminate]) await office.apply(unknown, command);
    await office.deliver();
    await office.apply(unknown, { type: 'outcome', result: 'executed', reference: 're_1', note: null, ...person });
    await office.deliver();
    const said = posted(office, '/slack').map(({ text }) => first(text)!.split(':')[0]);
    expect(said.slice(3).toSorted()).toEqual([
      'Approved by ben@example.com',
      'No decision is needed any more',
      'Outcome known, it was executed',
      'Outcome unknown, please find out',
      'Withdrawn by billing-bot',
    ]);
    expect(
      posted(office, '/ops')
        .map(({ type }) => type)
        .slice(3)
        .toSorted(),
    ).toEqual(['hold.confirmed', 'hold.decided', 'hold.indeterminate', 'hold.withdrawn', 'hold.withdrawn']);
  });

  test('what was decided before a message went out is told to no person', async () => {
    const hold = await office.hold();
    await office.apply(hold, approve());
    await office.deliver();
    expect([office.slack.calls, posted(office, '/slack'), office.mail.mails]).toEqual([[], [], []]);
    expect(
      posted(office, '/ops')
        .map(({ type }) => type)
        .toSorted(),
    ).toEqual(['hold.decided', 'hold.opened']);
    // Slack's app and webhook, and the mail.
    expect(await states('decided')).toEqual(expect.arrayContaining(['dropped', 'dropped', 'dropped', 'sent']));
  });

  test('what is decided while a message is on its way follows when that has arrived', async () => {
    office.channels = ['webhook'];
    const hold = await office.hold();
    const [asking] = await office.store.notifications.take(office.now, office.now + 120 * SECOND, 1);
    await office.apply(hold, approve());
    await office.deliver();
    expect(posted(office, '/slack')).toEqual([]);
    await office.store.notifications.settle(asking!.id, { state: 'sent', receipt: null });
    office.now += 10 * SECOND;
    await office.deliver();
    expect(posted(office, '/slack').map(({ text }) => first(text))).toEqual([
      expect.stringMatching(/^Approved by ben/),
    ]);
  });

  test('an error of Slack is retried under its name alone; a card that was deleted is given up', async () => {
    office.channels = ['bot'];
    const hold = await office.hold();
    office.slack.failWith('<https://evil.example|no> ' + 'x'.repeat(50));
    await office.deliver();
    office.slack.failWith('channel_not_found');
    office.now += 10 * SECOND;
    await office.deliver();
    const errors = async () =>
      (await office.place.raw('select error from notices order by id')).map(({ error }) => error);
    expect(await errors()).toEqual(['Slack: channel_not_found']);
    office.now += 20 * SECOND;
    await office.deliver();
    expect(office.slack.calls).toHaveLength(1);
    office.slack.failWith('message_not_found');
    await office.apply(hold, approve());
    await office.deliver();
    expect((await office.store.notifications.list({ state: 'dead', limit: 5 })).items).toMatchObject([
      { kind: 'decided', channel: 'slack/bot', error: 'Slack: message_not_found' },
    ]);
  });

  describe('with a chat message about the same', () => {
    beforeEach(() => {
      office.channels = ['mail', 'bot'];
    });

    test('a mail is sent after 15 s if nobody reacts, also by a process that starts in between', async () => {
      await office.hold();
      await office.deliver();
      expect([office.slack.calls.length, office.subjects()]).toEqual([1, []]);
      await office.restart();
      office.now = Date.parse('2026-11-24T10:00:15Z') - 1;
      await office.deliver();
      expect(office.subjects()).toEqual([]);
      office.now += 1;
      await office.deliver();
      expect(office.subjects()).toEqual([`[Holdpoint] ${WANTED}`]);
      expect(await office.place.raw("select attempts from notices where channel = 'email'")).toMatchObject([
        { attempts: 1 },
      ]);
    });

    test('a mail is not sent if somebody claims, looks, votes, writes a note or decides', async () => {
      const reactions = [
        (hold: { id: string }) => office.apply(hold, { type: 'claim', ...person }),
        async (hold: { id: string }) => office.looks.looked(hold.id),
        (hold: { id: string }) => office.apply(hold, approve()),
        (hold: { id: string }) => office.apply(hold, { type: 'note', text: 'hm', ...person }),
        (hold: { id: string }) => office.apply(hold, reject),
      ];
      for (const react of reactions) {
        const hold = await office.hold({}, TWO_OF_FINANCE);
        await office.deliver();
        await react(hold);
        office.now += 15 * SECOND;
        await office.deliver();
        expect(office.subjects()).toEqual([]);
      }
      expect(new Set(await states('opened'))).toEqual(new Set(['sent', 'dropped']));
    });

    test('a mail is sent if the one who claimed gives the claim up again', async () => {
      const hold = await office.hold();
      await office.deliver();
      await office.apply(hold, { type: 'claim', ...person });
      await office.apply(hold, { type: 'unclaim', ...person });
      office.now += 15 * SECOND;
      await office.deliver();
      expect(office.subjects()).toHaveLength(1);
    });

    test('a mail is sent at once to people whom no chat message asks, and to those who want it always; never to others', async () => {
      await office.hold({}, { requirements: [{ groups: ['legal'], quorum: 1, escalate: [] }] });
      await office.deliver();
      expect([office.slack.calls.length, office.subjects().length]).toEqual([0, 1]);

      await office.store.preferences.set(by.id, { quietHours: null, digest: null, mail: 'always' }, 'api');
      await office.hold();
      await office.deliver();
      expect(office.subjects()).toHaveLength(1);

      await office.store.preferences.set(by.id, { quietHours: null, digest: null, mail: 'never' }, 'api');
      await office.hold();
      office.now += MINUTE;
      await office.deliver();
      expect(office.subjects()).toEqual([]);
    });
  });
});
