import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reviewer } from '../../../helpers/hold.ts';
import { engines } from '../store/engines.ts';
import { approve } from '../store/stores.ts';
import { aNotification, notificationsOf } from './a-notification.ts';
import { createNotifier } from '../../../../gateway/holds/notify/notifier.ts';
import { readMail } from './mail-server.ts';
import { openOffice, posted, type Office } from './office.ts';

const HOUR = 3_600_000;
const ben = reviewer('ben');

/** Controls, blanks, line ends, turns of direction, fillers, tags and what has no shape: each between A and B. */
const HIDDEN = [
  ...Array.from({ length: 32 }, (_none, code) => code),
  0x7f, 0x85, 0x9b, 0xa0, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x1680, 0x17b4, 0x180b, 0x180e,
  ...Array.from({ length: 16 }, (_none, index) => 0x2000 + index),
  ...Array.from({ length: 8 }, (_none, index) => 0x2028 + index),
  ...Array.from({ length: 17 }, (_none, index) => 0x205f + index),
  0x2800, 0x3000, 0x3164, 0xe000, 0xfe00, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0x1bca0, 0x1d173, 0xe0001,
  0xe0041, 0xe0100, 0xf0000,
].map((code) => `A${String.fromCodePoint(code)}B`); // prettier-ignore
/** A message shows as much of an operation as fits. */
const AT_ONCE = 10;
const LINKS =
  '<!channel> <!here> <@U024BE7LH> <#C1> <https://evil.example|Open in Holdpoint> https://evil.example www.evil.example [x](y) &lt;!channel&gt;';

/** How many of the hidden characters are shown by their number, or are a space if they end a line. */
const shown = (text: string) => text.match(/A(?:\\u\{[0-9a-f]+\}| )B/g)?.length ?? 0;

describe('hostile text', () => {
  let office: Office;
  beforeEach(async () => {
    office = await openOffice(engines[0]!, [ben]);
    await office.store.preferences.set(ben.id, { quietHours: null, digest: null, mail: 'always' }, 'api');
  });
  afterEach(() => office.close());

  /** Everything that people read, per message: subjects and texts of mails, and Slack's texts and blocks. */
  function read(): string[] {
    const mails = office.mail.mails.map(readMail).flatMap(({ headers, body }) => [headers['subject']!, body]);
    const cards = office.slack.calls.map(({ text, blocks }) => `${text}\n${stringsIn(blocks).join('\n')}`);
    const hooks = posted(office, '/slack').map((message) => stringsIn(message).join('\n'));
    return [...mails, ...cards, ...hooks];
  }

  test('hidden characters are written out in every message, of a hold and of its end', async () => {
    for (let start = 0; start < HIDDEN.length; start += AT_ONCE) {
      const some = HIDDEN.slice(start, start + AT_ONCE);
      const hold = await office.hold({ operation: some.join(''), reason: some.join('') });
      await office.deliver();
      await office.apply(hold, approve());
      await office.deliver();
      const texts = read();
      // Asked and decided: a mail's subject and text each, and two messages in each place.
      expect(texts).toHaveLength(8);
      for (const text of texts) {
        expect(shown(text)).toBeGreaterThanOrEqual(some.length);
        expect(text).not.toMatch(/A[^AB\\ ]B|A {2,}B/u);
      }
      for (const { data } of posted(office, '/ops') as unknown as { data: { reason: string; operation: string } }[])
        expect([shown(data.reason), shown(data.operation)]).toEqual([some.length, some.length]);
      for (const { received } of [office.hooks]) received.splice(0);
      office.mail.mails.splice(0);
      office.slack.calls.splice(0);
    }
  });

  test('nobody is woken, and no link but the gateway’s own is shown', async () => {
    const hold = await office.hold({ operation: LINKS, reason: LINKS });
    await office.deliver();
    await office.apply(hold, approve());
    await office.deliver();
    const own = `https://holdpoint.example.com/holds/${hold.id}`;
    for (const text of read()) {
      expect(text.replaceAll(own, '')).not.toMatch(/(?<!--url )https?:\/\/|www\./);
    }
    for (const { text, blocks } of office.slack.calls) {
      const strings = [text, ...stringsIn(blocks)].join('\n');
      expect(new Set(strings.match(/<[^>]*>/g))).toEqual(new Set([`<${own}|Open in Holdpoint>`]));
      expect(strings).toContain('&lt;!channel&gt;');
      // What was an entity stays text.
      expect(strings).toContain('&amp;lt;!channel&amp;gt;');
    }
  });

  test('a reply and a digest get no headers and no recipients from what an agent does', async () => {
    office.channels = ['mail'];
    const operation = 'x\r\nBcc: eve@example.com\r\n\r\nHello';
    await office.apply(
      await office.hold({ operation, reason: operation }).then(async (hold) => {
        await office.deliver();
        return hold;
      }),
      approve(),
    );
    await office.deliver();
    await office.store.preferences.set(ben.id, { quietHours: null, digest: 'hourly', mail: 'always' }, 'api');
    await office.hold({ operation, reason: operation }, { expiresIn: 3 * HOUR, respondWithin: 3 * HOUR });
    await office.deliver();
    office.now += HOUR;
    await office.deliver();
    expect(office.mail.mails.map(({ to }) => to)).toEqual([[ben.id], [ben.id], [ben.id]]);
    for (const { headers, body } of office.mail.mails.map(readMail)) {
      expect(headers).not.toHaveProperty('bcc');
      expect(body).toContain('x Bcc: eve@example.com Hello');
      expect(body).not.toMatch(/^(?:Bcc|Hello)/m);
    }
  });

  test('a message that an earlier version stored with less care is shown with the same', async () => {
    const [notice] = notificationsOf({ slack: { hook: { url: `${office.hooks.url}/slack` } } });
    const message = JSON.parse(notice!.payload) as { data: object };
    const data = { ...message.data, operation: 'A\u202eB', reason: 'A\u202eB', agent: 'A\u202eB', owner: 'A\u202eB' };
    const stored = aNotification(
      { ...notice!, kind: 'opened', payload: JSON.stringify({ ...message, data }) },
      office.now,
    );
    const email = { url: `smtp://127.0.0.1:${office.mail.port}`, from: 'holdpoint@example.com' };
    const notifier = createNotifier({ webhooks: {}, slack: { hook: { url: `${office.hooks.url}/slack` } }, email });
    await notifier.deliver(stored, []);
    await notifier.deliver({ ...stored, channel: 'email', to: ben.id }, []);
    const texts = read();
    expect(texts).toHaveLength(3);
    for (const text of texts) {
      expect(text).toContain('A\\u{202e}B');
      expect(text).not.toContain('\u202e');
    }
  });
});

/** Every text in a JSON value. */
function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}
