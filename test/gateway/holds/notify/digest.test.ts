import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_PREFERENCES, type Preferences } from '../../../../gateway/domain/preferences.ts';
import { reviewer } from '../../../helpers/hold.ts';
import { engines } from '../store/engines.ts';
import { approve } from '../store/stores.ts';
import { readMail } from './mail-server.ts';
import { openOffice, type Office } from './office.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ben = reviewer('ben');
const NIGHT = { from: '22:00', to: '07:00', timeZone: 'Europe/Berlin' };
/** In the night, and the end of it. */
const MIDNIGHT = Date.parse('2026-11-24T23:00:00Z');
const MORNING = Date.parse('2026-11-25T06:00:00Z');
/** The reminder comes after half of the time. */
const LATER = { expiresIn: 10 * HOUR, respondWithin: 10 * HOUR };
const LONG = { expiresIn: DAY, respondWithin: DAY };

describe.each(engines)('mail that can wait, kept in $name', (engine) => {
  let office: Office;
  beforeEach(async () => {
    office = await openOffice(engine, [ben]);
    office.channels = ['mail'];
    office.now = MIDNIGHT;
  });
  afterEach(() => office.close());

  const wish = async (wishes: Partial<Preferences>) =>
    void (await office.store.preferences.set(ben.id, { ...DEFAULT_PREFERENCES, ...wishes }, 'api'));
  const bodies = () => office.mail.mails.map((mail) => readMail(mail).body);

  test('mail of quiet hours comes at their end in one digest, also from a process that started meanwhile', async () => {
    await wish({ quietHours: NIGHT });
    const holds = [await office.hold({}, LONG), await office.hold({ reason: 'far too much' }, LONG)];
    await office.deliver();
    await office.restart();
    office.now = MORNING - 1;
    await office.deliver();
    expect(office.subjects()).toEqual([]);
    office.now = MORNING;
    await office.deliver();
    expect(office.subjects()).toEqual(['[Holdpoint] 2 messages that waited for you']);
    const [body] = bodies();
    for (const { id } of holds) expect(body).toContain(`https://holdpoint.example.com/holds/${id}`);
    expect(body).toMatch(/1\. Approval wanted: createRefund.*2\. Approval wanted: createRefund.*far too much/s);
    await office.deliver();
    expect(office.subjects()).toEqual([]);
    expect(await office.place.raw("select distinct state from notices where channel = 'email'")).toEqual([
      { state: 'sent' },
    ]);
  });

  test('mail of quiet hours that nobody needs any more is not sent, and no empty digest', async () => {
    await wish({ quietHours: NIGHT });
    const decided = await office.hold({}, LONG);
    const alsoDecided = await office.hold({}, LONG);
    await office.deliver();
    await office.apply(decided, approve());
    await office.deliver();
    await office.apply(alsoDecided, approve());
    // The second time for what waited until the digest was sent.
    for (office.now = MORNING; office.now <= MORNING + 20_000; office.now += 10_000) await office.deliver();
    expect(office.subjects()).toEqual([]);
    expect(await office.place.raw('select distinct state from notices')).toEqual([{ state: 'dropped' }]);
  });

  test('what a person must do, and a reminder or escalation by day, do not wait; in quiet hours these do', async () => {
    await wish({ quietHours: NIGHT, digest: 'daily' });
    await office.hold({}, { ...LONG, level: 3 });
    await office.deliver();
    expect(office.subjects()).toEqual([
      '[Holdpoint] A person is wanted to do this: createRefund on payments, by billing-bot',
    ]);

    const hold = await office.hold({}, LATER);
    await office.deliver();
    office.now = hold.remindAt!;
    await office.apply(hold, { type: 'remind' });
    await office.deliver();
    expect(office.subjects()).toEqual([]);
    office.now = MORNING;
    await office.deliver();
    // Of each hold the latest message.
    expect(office.subjects()).toEqual(['[Holdpoint] 1 message that waited for you']);
    expect(bodies().at(-1)).toMatch(/^1\. Still waiting: /);

    const later = await office.hold({}, LATER);
    await office.deliver();
    expect(office.subjects()).toEqual([]);
    office.now = later.remindAt!;
    await office.apply(later, { type: 'remind' });
    await office.deliver();
    expect(office.subjects()).toEqual(['[Holdpoint] Still waiting: createRefund on payments, by billing-bot']);
  });

  test('what was told in a digest is followed by a reply to the digest', async () => {
    office.now = MORNING + 4 * HOUR;
    await wish({ digest: 'hourly' });
    const hold = await office.hold({}, LONG);
    await office.deliver();
    office.now = MORNING + 5 * HOUR;
    await office.deliver();
    await wish({ digest: null });
    await office.apply(hold, approve());
    await office.deliver();
    const [digest, reply] = office.mail.mails.map(readMail);
    expect(reply!.headers['in-reply-to']).toBe(digest!.headers['message-id']);
    expect(reply!.body).toMatch(/^Approved by ben@example\.com: /);
  });

  test('two gateways send one digest, and a message that comes too late for it goes its own way', async () => {
    await wish({ quietHours: NIGHT });
    await office.hold({}, LONG);
    await office.hold({}, LONG);
    await office.deliver();
    const { notifications } = office.store;
    office.now = MORNING;
    const [digest] = await notifications.take(office.now, office.now + HOUR, 10);
    const [first, second] = await notifications.gathered(digest!.id);
    expect(await notifications.take(office.now, office.now + HOUR, 10)).toEqual([]);
    await notifications.settle(digest!.id, { state: 'sent', receipt: '<digest@example.com>', contained: [first!.id] });
    expect(await office.place.raw(`select state, receipt from notices where id = '${first!.id}'`)).toMatchObject([
      { state: 'sent', receipt: '<digest@example.com>' },
    ]);
    expect(await notifications.take(office.now, office.now + HOUR, 10)).toMatchObject([{ id: second!.id }]);
    // The digest of that time takes no more.
    await notifications.settle(second!.id, { state: 'gathered', nextAt: MORNING });
    expect(await notifications.take(office.now, office.now + HOUR, 10)).toMatchObject([{ id: second!.id }]);
  });

  test('preferences are kept for each person, and their change is on record', async () => {
    expect(await office.store.preferences.of(ben.id)).toEqual(DEFAULT_PREFERENCES);
    await wish({ quietHours: NIGHT });
    await wish({ quietHours: NIGHT, digest: 'daily', mail: 'always' });
    await office.restart();
    expect(await office.store.preferences.of(ben.id)).toEqual({ quietHours: NIGHT, digest: 'daily', mail: 'always' });
    expect(await office.store.preferences.of('cleo@example.com')).toEqual(DEFAULT_PREFERENCES);
    const events = (await office.store.outbox.read(0, 10)).map(({ event }) => event);
    expect(events.at(-1)).toMatchObject({
      type: 'preferences.changed',
      actor: ben.id,
      channel: 'api',
      reason: 'mail: always; digest: daily; quiet hours: 22:00 to 07:00 Europe/Berlin',
    });
  });
});
