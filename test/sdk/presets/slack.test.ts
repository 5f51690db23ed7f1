import { LogLevel, WebClient, type ConversationsListResponse } from '@slack/web-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let system: Preset;
let slack: WebClient;

beforeAll(async () => {
  system = await startPreset('slack', ({ url, body }) => {
    const sent = new URLSearchParams(body.toString());
    switch (url) {
      case '/conversations.list': {
        const n = Number(sent.get('cursor') || 1);
        const next_cursor = n < 3 ? String(n + 1) : '';
        return { ok: true, channels: [{ id: `C${n}`, name: `channel-${n}` }], response_metadata: { next_cursor } };
      }
      case '/conversations.info':
        return { ok: true, channel: { id: sent.get('channel') } };
      case '/chat.postMessage':
        return { ok: true, ts: '1.2', message: { text: sent.get('text') } };
      default:
        return { ok: false, error: 'unknown_method' };
    }
  });
  slack = new WebClient(TOKEN, {
    slackApiUrl: `${system.url}/`,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 20, minTimeout: 100, maxTimeout: 100 },
  });
});

afterAll(async () => system?.close());

const post = (text: string) => slack.apiCall('chat.postMessage', { channel: 'C1', text });

test('the Slack SDK lists, reads and posts with the key of the system', async () => {
  expect((await slack.conversations.list()).channels).toMatchObject([{ name: 'channel-1' }]);
  expect((await slack.conversations.info({ channel: 'C2' })).channel).toMatchObject({ id: 'C2' });
  expect(await post('Hello')).toMatchObject({ ok: true, message: { text: 'Hello' } });
  expect(system.headers().authorization).toBe(`Bearer ${KEY}`);
  system.expectNoToken();
  expect(await system.operations()).toEqual([
    'POST /conversations.list',
    'POST /conversations.info',
    'POST /chat.postMessage',
  ]);
});

test('the Slack SDK pages through channels behind the gateway', async () => {
  const ids: unknown[] = [];
  for await (const page of slack.paginate('conversations.list', { limit: 1 }))
    ids.push((page as ConversationsListResponse).channels);
  expect(ids).toMatchObject([[{ id: 'C1' }], [{ id: 'C2' }], [{ id: 'C3' }]]);
});

test('the platform error of the Slack SDK says why a message is blocked, and the SDK does not retry', async () => {
  await expect(post('a secret')).rejects.toMatchObject({
    code: 'slack_webapi_platform_error',
    message: `An API error occurred: ${REASON}`,
  });
});

test('the Slack SDK retries a held message until it is approved, and it is posted once', async () => {
  expect(await system.approved(() => post('a large one'))).toMatchObject({ message: { text: 'a large one' } });
});
