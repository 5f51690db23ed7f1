import { afterAll, beforeAll, expect, test } from 'vitest';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';
import { KEY, REASON } from '../presets.ts';
import { startScene, type Answer, type Scene } from './scene.ts';

const MESSAGES = '/2010-04-01/Accounts/AC1/Messages.json';

let scene: Scene;
/** Most products of Twilio have a host of their own. */
let messaging: Upstream;

/** As Twilio's core API answers. A list has pages of one, and leads to the next by a path from the root. */
function answer({ method, url, body }: Received, origin: string): Answer {
  const { pathname, searchParams: query } = new URL(url, origin);
  if (pathname !== MESSAGES) return { status: 404, body: { code: 20404, message: 'not found', status: 404 } };
  if (method === 'POST') {
    const form = new URLSearchParams(String(body));
    return { status: 201, body: { sid: `SM-${form.get('Body')}`, media: form.getAll('MediaUrl') } };
  }
  const page = Number(query.get('Page') ?? 0);
  const next = page < 2 ? `${MESSAGES}?PageSize=1&Page=${page + 1}&PageToken=PASM${page}` : null;
  return { body: { messages: [{ sid: `SM${page}` }], page, page_size: 1, uri: url, next_page_uri: next } };
}

/** As the newer APIs answer: a list leads to the next page by an absolute URL. */
function answerMessaging({ url }: Received): object {
  const page = Number(new URL(url, messaging.url).searchParams.get('Page') ?? 0);
  const at = `${messaging.url}/v1/Services?PageSize=1&Page=`;
  const meta = {
    key: 'services',
    page,
    page_size: 1,
    url: at + page,
    next_page_url: page < 2 ? at + (page + 1) : null,
  };
  return { meta, services: [{ sid: `MG${page}`, url: `${messaging.url}/v1/Services/MG${page}` }] };
}

beforeAll(async () => {
  messaging = await startUpstream((received, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answerMessaging(received)));
  });
  scene = await startScene({
    system: 'twilio',
    settings: { upstream_hosts: [messaging.url] },
    answer,
    setup: `
      import twilio.rest
      client = twilio.rest.Client("AC1", TOKEN)
      client.api.base_url = URL
      client.messaging.base_url = URL + "/~${new URL(messaging.url).host}"
      def send(body, **more):
          return client.messages.create(to="+15005550006", from_="+15005550006", body=body, **more).sid
    `,
  });
}, 600_000);

afterAll(async () => {
  await scene?.close();
  await messaging?.close();
});

test('twilio sends a message, with media too, under the account and token of the preset', async () => {
  expect(await scene.run('send("small", media_url=["https://a.example.com/1", "https://a.example.com/2"])')).toBe(
    'SM-small',
  );
  const basic = `Basic ${Buffer.from(KEY).toString('base64')}`;
  expect(scene.upstream.received.at(-1)!.headers.authorization).toBe(basic);
});

test('twilio pages through messages', async () => {
  expect(await scene.run('[message.sid for message in client.messages.list(page_size=1)]')).toEqual([
    'SM0',
    'SM1',
    'SM2',
  ]);
});

test('twilio pages through services of another host, by absolute URLs, through the gateway', async () => {
  const program = '[service.url for service in client.messaging.v1.services.list(page_size=1)]';
  const at = `${scene.plane.url}/twilio/~${new URL(messaging.url).host}/v1/Services`;
  expect(await scene.run(program)).toEqual([`${at}/MG0`, `${at}/MG1`, `${at}/MG2`]);
  expect(JSON.stringify(messaging.received.map(({ headers }) => headers))).not.toContain('agent-token');
});

test('twilio says why policy blocks a call, and a list', async () => {
  await expect(scene.run('send("a secret")')).rejects.toMatchObject({
    name: 'TwilioRestException',
    message: expect.stringContaining(REASON),
  });
  await expect(scene.run('client.messages.list(to="secret")')).rejects.toMatchObject({
    message: expect.stringContaining(REASON),
  });
});

test('twilio says that a message waits for approval, and the same call sends it once it is approved', async () => {
  await expect(scene.run('send("large")')).rejects.toMatchObject({
    name: 'TwilioRestException',
    message: expect.stringContaining('503'),
  });
  await scene.approveNext();
  expect(await scene.run('send("large")')).toBe('SM-large');
  expect(scene.reached().filter((call) => call.startsWith('POST'))).toHaveLength(2);
  expect(await scene.held()).toBe(1);
});
