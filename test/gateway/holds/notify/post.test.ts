import type { LookupFunction } from 'node:net';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { DeliveryError } from '../../../../gateway/holds/notify/delivery-error.ts';
import { createNotifier } from '../../../../gateway/holds/notify/notifier.ts';
import { aHold } from '../../../helpers/hold.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';
import { CONSOLE, NOTHING, notificationsOf, SECRET } from './a-notification.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function target(...args: Parameters<typeof startUpstream>): Promise<Upstream> {
  const server = await startUpstream(...args);
  open.push(server);
  return server;
}

type Options = Parameters<typeof createNotifier>[1];

/** Delivers one message about a new hold to a webhook, and tells why it failed: null when it did not. */
async function deliver(url: string, options: Options = {}): Promise<DeliveryError | null> {
  const config = { ...NOTHING, webhooks: { ops: { url, secret: SECRET } } };
  const [notice] = notificationsOf(config);
  return createNotifier(config, options)
    .deliver(notice!, [])
    .then(
      () => null,
      (error: unknown) => {
        if (error instanceof DeliveryError) return error;
        throw error;
      },
    );
}

/** A server that answers every request with these bytes and leaves the connection open. */
async function rawTarget(answer: string, onClose = () => {}): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('close', onClose);
    socket.once('data', () => socket.write(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe('a webhook', () => {
  test('a webhook gets a message that its receiver can verify with the Standard Webhooks library', async () => {
    const { url, received } = await target();
    const hold = aHold(Date.now());
    const config = { ...NOTHING, webhooks: { ops: { url: `${url}/hooks?team=1`, secret: SECRET } } };
    const [notice] = notificationsOf(config, { hold });
    await createNotifier(config).deliver(notice!, []);

    expect(received).toHaveLength(1);
    const { method, url: path, headers, body } = received[0]!;
    expect([method, path, headers['content-type'], headers['webhook-id']]).toEqual([
      'POST',
      '/hooks?team=1',
      'application/json',
      notice!.id,
    ]);
    const verified = new Webhook(SECRET).verify(body, headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'hold.opened', data: { hold_id: hold.id, operation: 'POST /v1/refunds' } });
  });

  test('a webhook’s receiver can tell when a message was tampered with, comes from another sender or is a replay', async () => {
    const { url, received } = await target();
    expect(await deliver(url)).toBeNull();
    const { body, headers } = received[0]!;
    const signed = headers as Record<string, string>;
    const text = body.toString();
    const verify =
      (payload: string, with_: Record<string, string>, secret = SECRET) =>
      () =>
        new Webhook(secret).verify(payload, with_);

    expect(verify(text, signed)).not.toThrow();
    expect(verify(text.replace('billing-bot', 'billing-bat'), signed)).toThrow('No matching signature');
    expect(verify(text, { ...signed, 'webhook-id': 'ntc_other' })).toThrow('No matching signature');
    expect(verify(text, signed, `whsec_${Buffer.alloc(32, 8).toString('base64')}`)).toThrow('No matching signature');

    expect(await deliver(url, { clock: () => Date.now() - 6 * 60_000 })).toBeNull();
    const late = received[1]!;
    expect(verify(late.body.toString(), late.headers as Record<string, string>)).toThrow('too old');
  });

  test('a webhook may answer with any 2xx', async () => {
    const { url } = await target((_, response) => response.writeHead(204).end());
    expect(await deliver(url)).toBeNull();
  });
});

describe('a target that', () => {
  test('a target that hangs is given up, and its connection closed', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await rawTarget('', closed.resolve);
    expect(await deliver(url, { timeout: 300 })).toMatchObject({
      because: 'unreachable',
      message: 'no answer within 300 ms',
    });
    await closed.promise;
  });

  test('a target that drips an answer without end has answered, and its connection is closed', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await rawTarget('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n', closed.resolve);
    expect(await deliver(url, { timeout: 300 })).toBeNull();
    await closed.promise;
  });

  test('a target that answers with more than the limit is cut off', async () => {
    const closed = Promise.withResolvers<number>();
    const { url } = await target((_, response) => {
      let written = 0;
      const write = () => {
        do written += 65_536;
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      };
      response.on('drain', write);
      response.on('close', () => closed.resolve(written));
      response.writeHead(200);
      write();
    });
    expect(await deliver(url)).toBeNull();
    // What fills the buffers of two sockets, and no more.
    expect(await closed.promise).toBeLessThan(16 * 2 ** 20);
  });

  test('a target that sends endless headers is cut off', async () => {
    const url = await rawTarget(`HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(100_000)}`);
    expect(await deliver(url)).toMatchObject({
      because: 'unreachable',
      message: 'no answer: UND_ERR_HEADERS_OVERFLOW',
    });
  });

  test('a target that redirects is not followed', async () => {
    const inside = await target();
    for (const status of [301, 302, 303, 307, 308]) {
      const { url } = await target((_, response) => response.writeHead(status, { location: inside.url }).end());
      const error = await deliver(url);
      expect(error).toMatchObject({ because: 'refused' });
      expect(error?.message).toMatch(new RegExp(`^HTTP ${status}; redirects are not followed`));
    }
    expect(inside.received).toEqual([]);
  });

  test('a target that is gone for good says so with 410', async () => {
    const { url } = await target((_, response) => response.writeHead(410).end());
    expect(await deliver(url)).toMatchObject({ because: 'gone', message: expect.stringMatching(/^HTTP 410/) });
  });

  test('a target that asks for time is heard, up to an hour', async () => {
    const now = Date.parse('2026-11-24T10:00:00Z');
    const asked = async (retryAfter: string) => {
      const { url } = await target((_, response) => response.writeHead(503, { 'retry-after': retryAfter }).end());
      return deliver(url, { clock: () => now });
    };
    expect(await asked('120')).toMatchObject({ because: 'refused', message: 'HTTP 503', retryAfter: 120_000 });
    expect(await asked('Tue, 24 Nov 2026 10:05:00 GMT')).toMatchObject({ retryAfter: 300_000 });
    expect(await asked('Tue, 24 Nov 2026 09:00:00 GMT')).toMatchObject({ retryAfter: 0 });
    expect(await asked('86400')).toMatchObject({ retryAfter: 3_600_000 });
    expect(await asked('soon')).toMatchObject({ retryAfter: null });
  });

  test('a target that is not there leaves no trace of the address in the error', async () => {
    const url = await rawTarget('');
    await Promise.all(open.splice(0).map((one) => one.close()));
    const error = await deliver(`${url}services/T0/B0/top-secret?key=top-secret`);
    expect(error).toMatchObject({ because: 'unreachable', message: 'no answer: ECONNREFUSED' });
  });
});

describe('an address that is refused', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::169.254.169.254]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://224.0.0.1/',
    'http://[ff02::1]/',
    'https://169.254.169.254/',
  ])('%s', async (url) => {
    const error = await deliver(url);
    expect(error).toMatchObject({ because: 'unreachable' });
    expect(error?.message).toMatch(/^its address is [0-9a-f.:[\]]+, to which nothing is posted/);
  });

  test('a refused address is refused under a name too, at the moment of connecting', async () => {
    const { url, port, received } = await target();
    const answers = ['127.0.0.1', '169.254.169.254', '::ffff:169.254.1.1', 'fe80::1%lo'];
    const lookup: LookupFunction = (_hostname, options, done) => {
      const address = answers.shift()!;
      const family = address.includes(':') ? 6 : 4;
      if (options.all) done(null, [{ address, family }]);
      else done(null, address, family);
    };
    const rebinding = `http://hooks.example.com:${port}/`;
    // A name that leads to an own network is fine, until it leads elsewhere (DNS rebinding).
    expect(await deliver(rebinding, { lookup })).toBeNull();
    expect(await deliver(rebinding, { lookup })).toMatchObject({
      message: expect.stringMatching(/^its address is 169\.254\.169\.254,/),
    });
    expect(await deliver(rebinding, { lookup })).toMatchObject({
      message: expect.stringMatching(/^its address is ::ffff:169\.254\.1\.1,/),
    });
    expect(await deliver(rebinding, { lookup })).toMatchObject({
      message: expect.stringMatching(/^its address is fe80::1%lo,/),
    });
    expect(received).toHaveLength(1);
    expect(await deliver(url)).toBeNull();
  });

  test('a refused address spoils a name that has good addresses too', async () => {
    const { port, received } = await target();
    const lookup: LookupFunction = (_hostname, _options, done) =>
      done(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '169.254.169.254', family: 4 },
      ]);
    expect(await deliver(`http://hooks.example.com:${port}/`, { lookup })).toMatchObject({ because: 'unreachable' });
    expect(received).toEqual([]);
  });
});

describe('a Slack-compatible place', () => {
  test('a Slack-compatible place gets text, and blocks with a link to the hold', async () => {
    const { url, received } = await target();
    const hold = aHold(Date.now(), { assignee: 'bea@example.com' });
    const config = { ...NOTHING, slack: { finance: { url: `${url}/services/T0/B0/x` } } };
    const [notice] = notificationsOf(config, { hold });
    await createNotifier(config).deliver(notice!, []);

    const sent = JSON.parse(received[0]!.body.toString()) as { text: string; blocks: unknown[] };
    const shown = `\`npx holdpoint holds show ${hold.id} --url ${CONSOLE}\``;
    expect(received[0]!.url).toBe('/services/T0/B0/x');
    expect(sent.text).toBe(
      `Approval wanted: POST /v1/refunds on payments, by billing-bot\ntoo much\n${CONSOLE}/holds/${hold.id}\n${shown}`,
    );
    const text = JSON.stringify(sent.blocks);
    for (const part of [
      'too much',
      'ana@example.com',
      'finance',
      'bea@example.com',
      new Date(hold.expiresAt).toISOString(),
    ])
      expect(text).toContain(part);
    expect(sent.blocks.at(-1)).toMatchObject({
      text: { text: `<${CONSOLE}/holds/${hold.id}|Open in Holdpoint>\n${shown}` },
    });
  });

  test('a Slack-compatible place is not made to wake everybody or to show a false link by what an agent or a rule says', async () => {
    const { url, received } = await target();
    const evil = '<!channel> <https://evil.example|Approve> & more';
    const hold = aHold(Date.now(), { operation: evil, system: 'pay<b>', reason: evil });
    const config = { ...NOTHING, slack: { finance: { url } } };
    const [notice] = notificationsOf(config, { hold });
    await createNotifier(config).deliver(notice!, []);

    const sent = received[0]!.body.toString();
    expect(sent).toContain('&lt;!channel&gt; &lt;https\\\\u{3a}//evil.example|Approve&gt; &amp; more');
    expect(sent.match(/<[^>]*>/g)).toEqual([`<${CONSOLE}/holds/${hold.id}|Open in Holdpoint>`]);
  });
});

test('a place that is no longer configured fails by name, to be tried again', async () => {
  const [notice] = notificationsOf({ slack: { finance: { url: 'https://slack.example.com' } } });
  await expect(createNotifier(NOTHING).deliver(notice!, [])).rejects.toMatchObject({
    because: 'refused',
    message: 'slack/finance is not in the configuration',
  });
});
