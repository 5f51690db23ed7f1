import { Client as Notion, LogLevel as NotionLogLevel } from '@notionhq/client';
import { LogLevel, WebClient } from '@slack/web-api';
import { createCloudClient } from 'jira.js/cloud';
import { Octokit } from 'octokit';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../helpers/data-plane.ts';
import { headersAt, KEY, REASON, startPresets, type Presets } from './presets.ts';

let presets: Presets;
const base = (preset: string) => `${presets.plane.url}/${preset}`;

beforeAll(async () => {
  presets = await startPresets(
    ['slack', 'notion', 'jira', 'github', 'openai'],
    (preset, { method, url, body }) => {
      const sent = body.toString();
      switch (`${preset} ${method} ${url}`) {
        case 'slack POST /conversations.list':
          return { ok: true, channels: [{ id: 'C1', name: 'general' }] };
        case 'slack POST /chat.postMessage':
          return { ok: true, ts: '1.2', message: { text: new URLSearchParams(sent).get('text') } };
        case 'notion GET /v1/users':
          return { object: 'list', results: [{ object: 'user', id: 'u1' }], has_more: false };
        case 'notion POST /v1/comments':
          return { object: 'comment', id: 'c1' };
        case 'jira GET /rest/api/3/myself':
          return { accountId: 'a1', displayName: 'Bot' };
        case 'github GET /repos/acme/shop/contents/src%2Findex.ts':
          return { path: 'src/index.ts' };
        case 'github POST /repos/acme/shop/issues':
          return { number: 8, ...JSON.parse(sent) };
        case 'openai GET /models':
          return { object: 'list', data: [{ id: 'gpt-5', object: 'model' }] };
        case 'openai POST /chat/completions':
          return { id: 'c', object: 'chat.completion', choices: [{ message: { role: 'assistant', content: 'Hi.' } }] };
        default:
          return undefined;
      }
    },
    { slack: { wait: '50ms' } },
  );
});

afterAll(async () => presets?.close());

const slack = () =>
  new WebClient(TOKEN, {
    slackApiUrl: `${base('slack')}/`,
    logLevel: LogLevel.ERROR,
    retryConfig: { retries: 100, minTimeout: 100, maxTimeout: 100 },
  });
const post = (text: string) => slack().apiCall('chat.postMessage', { channel: 'C1', text });

test('the Slack SDK lists and posts with preset: slack', async () => {
  expect((await slack().conversations.list()).channels).toMatchObject([{ name: 'general' }]);
  expect(await post('Hello')).toMatchObject({ ok: true, message: { text: 'Hello' } });
  expect(headersAt(presets, 'slack').authorization).toBe(`Bearer ${KEY}`);
});

test("the Slack SDK raises a platform error with the policy's reason, and does not retry", async () => {
  await expect(post('a secret')).rejects.toMatchObject({
    code: 'slack_webapi_platform_error',
    message: `An API error occurred: ${REASON}`,
  });
});

test('the Slack SDK retries a held message until a reviewer approves it, and it is posted once', async () => {
  const posted = post('a large one');
  await presets.approveNext();
  expect(await posted).toMatchObject({ ok: true, message: { text: 'a large one' } });
  expect(presets.reached('slack').filter((call) => call === 'POST /chat.postMessage')).toHaveLength(2);
});

test('the Notion SDK lists, writes after an approval, and shows why it is blocked, with preset: notion', async () => {
  const notion = new Notion({ auth: TOKEN, baseUrl: base('notion'), logLevel: NotionLogLevel.ERROR });
  expect((await notion.users.list({})).results).toMatchObject([{ id: 'u1' }]);
  const comment = (content: string) =>
    notion.comments.create({
      parent: { page_id: '0193b1f0c1de7d3a9e1f6c0f1a2b3c4d' },
      rich_text: [{ text: { content } }],
    });
  await expect(comment('a secret')).rejects.toMatchObject({ code: 'restricted_resource', message: REASON });
  const held = comment('a large one');
  await presets.approveNext();
  expect(await held).toMatchObject({ id: 'c1' });
  expect(headersAt(presets, 'notion').authorization).toBe(`Bearer ${KEY}`);
});

test('jira.js reads, and shows why it is blocked, with preset: jira', async () => {
  const jira = createCloudClient({
    host: base('jira'),
    auth: { type: 'basic', email: 'bot@example.com', apiToken: TOKEN },
  });
  expect(await jira.myself.getCurrentUser()).toMatchObject({ displayName: 'Bot' });
  expect(headersAt(presets, 'jira').authorization).toBe(`Basic ${Buffer.from(KEY).toString('base64')}`);
  await expect(jira.issues.getIssue({ issueIdOrKey: 'SECRET-1' })).rejects.toMatchObject({
    name: 'ForbiddenError',
    message: expect.stringContaining(REASON),
    body: { errorMessages: [REASON] },
  });
});

test('Octokit reads, writes after an approval, and shows why it is blocked, with preset: github', async () => {
  const octokit = new Octokit({ auth: TOKEN, baseUrl: base('github'), throttle: { enabled: false } });
  const repo = { owner: 'acme', repo: 'shop' };
  expect((await octokit.rest.repos.getContent({ ...repo, path: 'src/index.ts' })).data).toMatchObject({
    path: 'src/index.ts',
  });
  await expect(octokit.rest.issues.create({ ...repo, title: 'secret' })).rejects.toMatchObject({
    status: 403,
    message: expect.stringContaining(REASON),
  });
  const held = octokit.rest.issues.create({ ...repo, title: 'large' });
  await presets.approveNext();
  expect((await held).data.number).toBe(8);
  expect(headersAt(presets, 'github').authorization).toBe(`Bearer ${KEY}`);
});

test('the openai SDK lists, writes after an approval, and shows why it is blocked, with preset: openai', async () => {
  const openai = new OpenAI({ apiKey: TOKEN, baseURL: base('openai') });
  expect((await openai.models.list()).data).toMatchObject([{ id: 'gpt-5' }]);
  const ask = (content: string) =>
    openai.chat.completions.create({ model: 'gpt-5', messages: [{ role: 'user', content }] });
  await expect(ask('a secret')).rejects.toMatchObject({ status: 403, message: expect.stringContaining(REASON) });
  const held = ask('a large one');
  await presets.approveNext();
  expect((await held).choices[0]!.message.content).toBe('Hi.');
  expect(headersAt(presets, 'openai').authorization).toBe(`Bearer ${KEY}`);
});
