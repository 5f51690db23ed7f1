import { createCloudClient } from 'jira.js/cloud';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TOKEN } from '../../helpers/data-plane.ts';
import { Answer, KEY, REASON } from '../presets.ts';
import { startPreset, type Preset } from './preset.ts';

let system: Preset;
let jira: ReturnType<typeof createCloudClient>;

beforeAll(async () => {
  system = await startPreset('jira', ({ method, url, body, headers }, own) => {
    const { pathname, searchParams } = new URL(url, 'http://a');
    const issue = (id: string) => ({ id, key: `SHOP-${id}`, self: `${own}/rest/api/3/issue/${id}` });
    switch (`${method} ${pathname}`) {
      case 'GET /rest/api/3/myself':
        return { accountId: 'a1', displayName: 'Bot', self: `${own}/rest/api/3/user?accountId=a1` };
      case 'GET /rest/api/3/search/jql': {
        const n = Number(searchParams.get('nextPageToken') ?? 1);
        return { issues: [issue(String(n))], ...(n < 3 ? { nextPageToken: String(n + 1) } : { isLast: true }) };
      }
      case 'GET /rest/api/3/issue/SHOP-1':
        return issue('1');
      case 'POST /rest/api/3/issue':
        return new Answer(201, {}, issue(JSON.parse(body.toString()).fields.summary));
      case 'POST /rest/api/3/issue/SHOP-1/attachments':
        // Without it, Jira takes an upload for a forged request of a browser.
        return headers['x-atlassian-token'] === 'no-check'
          ? [{ id: '5', filename: 'a.txt', size: body.length, content: `${own}/rest/api/3/attachment/content/5` }]
          : new Answer(403, {}, { errorMessages: ['XSRF check failed'] });
      default:
        return new Answer(404, {}, { errorMessages: ['Issue does not exist'], errors: {} });
    }
  });
  jira = createCloudClient({
    host: system.url,
    auth: { type: 'basic', email: 'bot@example.com', apiToken: TOKEN },
    retry: { maxAttempts: 6, initialDelayMs: 100 },
    onSchemaMismatch: () => {},
  });
});

afterAll(async () => system?.close());

const create = (summary: string) =>
  jira.issues.createIssue({ fields: { summary, project: { key: 'SHOP' }, issuetype: { name: 'Task' } } });

test('jira.js lists, reads and writes with the key of the system, and its links lead through the gateway', async () => {
  expect(await jira.myself.getCurrentUser()).toMatchObject({ displayName: 'Bot' });
  const found = await jira.issueSearch.searchAndReconsileIssuesUsingJql({ jql: 'project = SHOP', maxResults: 1 });
  expect(found.issues).toMatchObject([{ key: 'SHOP-1' }]);
  const issue = await jira.issues.getIssue({ issueIdOrKey: 'SHOP-1' });
  expect(issue.self).toBe(`${system.url}/rest/api/3/issue/1`);
  expect(await create('7')).toMatchObject({ key: 'SHOP-7' });
  expect(system.headers().authorization).toBe(`Basic ${Buffer.from(KEY).toString('base64')}`);
  system.expectNoToken();
  expect(await system.operations()).toEqual([
    'getCurrentUser',
    'searchAndReconsileIssuesUsingJql',
    'getIssue',
    'createIssue',
  ]);
});

test('jira.js pages through issues behind the gateway', async () => {
  const keys: unknown[] = [];
  let nextPageToken: string | null | undefined;
  do {
    const page = { jql: 'project = SHOP', maxResults: 1, ...(nextPageToken && { nextPageToken }) };
    const found = await jira.issueSearch.searchAndReconsileIssuesUsingJql(page);
    keys.push(...found.issues!.map(({ key }) => key));
    nextPageToken = found.nextPageToken;
  } while (nextPageToken);
  expect(keys).toEqual(['SHOP-1', 'SHOP-2', 'SHOP-3']);
});

test('jira.js attaches a file, and the URL of its content leads through the gateway', async () => {
  const attachments = { filename: 'a.txt', content: 'hello' };
  const [attached] = await jira.issueAttachments.addAttachment({ issueIdOrKey: 'SHOP-1', attachments });
  expect(attached).toMatchObject({ filename: 'a.txt', content: `${system.url}/rest/api/3/attachment/content/5` });
});

test('the error of jira.js says why an issue is blocked', async () => {
  await expect(create('secret')).rejects.toMatchObject({
    name: 'ForbiddenError',
    message: expect.stringContaining(REASON),
    body: { errorMessages: [REASON] },
  });
});

test('jira.js retries a held issue until it is approved, and it is made once', async () => {
  expect(await system.approved(() => create('large'))).toMatchObject({ key: 'SHOP-large' });
});
