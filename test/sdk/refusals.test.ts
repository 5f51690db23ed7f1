import { execFile } from 'node:child_process';
import { Client as Notion } from '@notionhq/client';
import { LogLevel, WebClient } from '@slack/web-api';
import { createCloudClient } from 'jira.js/cloud';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REFUSAL_SHAPES } from '../../gateway/domain/refusal-shape.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { tempFolder } from '../helpers/folder.ts';
import { startUpstream, type Upstream } from '../helpers/upstream.ts';

const REASON = 'Agents may not do this; ask <finance> & wait.';
const RULES = `package rules.all

block contains {"rule": "no", "reason": "${REASON}"} if true
`;

const cache = tempFolder();
let upstream: Upstream;
let plane: DataPlane;

beforeAll(async () => {
  upstream = await startUpstream();
  const systems = REFUSAL_SHAPES.map((refusals) => [refusals, { upstream: upstream.url, refusals }] as const);
  plane = await startDataPlane({ systems: Object.fromEntries(systems), rego: { 'all.rego': RULES } });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
  cache.remove();
});

test("the Slack SDK's exception says why a message is blocked, and the SDK does not retry", async () => {
  const slack = new WebClient(TOKEN, { slackApiUrl: `${plane.url}/slack/`, logLevel: LogLevel.ERROR });
  await expect(slack.apiCall('chat.postMessage', { channel: 'C1', text: 'Hello' })).rejects.toMatchObject({
    code: 'slack_webapi_platform_error',
    message: expect.stringContaining(REASON),
    data: { ok: false, code: 'blocked', rule: 'rules.all/no' },
  });
});

test("the Notion SDK's exception says why a page is not read", async () => {
  const notion = new Notion({ auth: TOKEN, baseUrl: `${plane.url}/notion` });
  await expect(notion.pages.retrieve({ page_id: '0193b1f0c1de7d3a9e1f6c0f1a2b3c4d' })).rejects.toMatchObject({
    name: 'APIResponseError',
    code: 'restricted_resource',
    message: REASON,
  });
});

test("jira.js's exception says why an issue is not read", async () => {
  const jira = createCloudClient({ host: `${plane.url}/atlassian`, auth: { type: 'bearer', token: TOKEN } });
  await expect(jira.issues.getIssue({ issueIdOrKey: 'SHOP-1' })).rejects.toMatchObject({
    name: 'ForbiddenError',
    message: expect.stringContaining(REASON),
    body: { errorMessages: [REASON] },
  });
});

test('npm prints why a package is not read', async () => {
  const at = `${plane.url}/npm/`;
  const key = `--${at.slice('http:'.length)}:_authToken=${TOKEN}`;
  const view = ['view', 'left-pad', '--registry', at, key, '--cache', cache.path];
  const printed = await new Promise<string>((resolve) =>
    execFile('npm', view, (_error, stdout, stderr) => resolve(stdout + stderr)),
  );
  expect(printed).toContain(`E403`);
  expect(printed).toContain(`- ${REASON}`);
});

test('a refusal keeps the members of a problem in every layout that is a JSON object', async () => {
  const layouts = REFUSAL_SHAPES.filter((shape) => shape !== 'salesforce' && shape !== 'aws-xml');
  for (const shape of layouts) {
    const response = await fetch(`${plane.url}/${shape}/x`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect({ shape, status: response.status }).toEqual({ shape, status: shape === 'slack' ? 200 : 403 });
    expect(response.headers.get('holdpoint-verdict')).toBe('block');
    expect(await response.json()).toMatchObject({
      detail: REASON,
      title: 'Blocked by policy',
      rule: 'rules.all/no',
      decision_id: response.headers.get('holdpoint-decision'),
    });
  }
  expect(upstream.received).toHaveLength(0);
});
