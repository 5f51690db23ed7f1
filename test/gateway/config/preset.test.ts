import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parseConfig } from '../../../gateway/config/config.ts';
import { PRESETS } from '../../../gateway/config/preset.ts';
import { createOperationNamer } from '../../../gateway/describe/http/operation.ts';
import { createAnswerTimeouts } from '../../../gateway/enforce/answer-timeouts.ts';

const system = (settings: object) =>
  parseConfig(JSON.stringify({ systems: { it: settings } }), '/etc/holdpoint.yaml', { KEY: 'k:{key}' }).systems[0]!;

/** The credential of a system that names this header and value itself. */
const sent = (header: string, value: string) =>
  system({ upstream: 'https://api.example.com', credential: { header, value } }).credential;

test.each(PRESETS)('the preset %s is valid, and listed for users', (preset) => {
  const upstream = 'https://api.example.com';
  expect(system({ preset, upstream, ...(preset !== 's3' && { credential: 'k' }) })).toMatchObject({
    upstream: new URL(upstream),
  });
  expect(readFileSync('gateway/config/presets/README.md', 'utf8')).toContain(`\n| \`${preset}\` |`);
});

test.each(PRESETS)('each read_back of the preset %s is for operations that its excerpt names', (preset) => {
  const { readBack = [], openapi } = system({ preset, upstream: 'https://api.example.com' });
  const named = JSON.stringify(openapi ?? {});
  for (const operation of readBack.flatMap(({ operations = [] }) => operations))
    expect(named).toContain(`{"operationId":${JSON.stringify(operation)}}`);
});

test('a preset and a key are enough', () => {
  expect(system({ preset: 'slack', credential: '${KEY}' })).toMatchObject({
    upstream: new URL('https://slack.com/api'),
    credential: sent('authorization', 'Bearer k:{key}'),
    refusals: 'slack',
  });
});

test('a preset encodes a key for Basic', () => {
  expect(system({ preset: 'jira', upstream: 'https://acme.atlassian.net', credential: '${KEY}' }).credential).toEqual(
    sent('authorization', `Basic ${Buffer.from('k:{key}').toString('base64')}`),
  );
});

test('a preset that takes two keys splits them at the colon, and does without the second', () => {
  const headers = { 'dd-api-key': 'api', 'dd-application-key': 'app:lication' };
  const upstream = 'https://api.example.com';
  expect(system({ preset: 'datadog', credential: 'api:app:lication' }).credential).toEqual(
    system({ upstream, credential: { headers } }).credential,
  );
  expect(system({ preset: 'datadog', credential: 'api' }).credential).toEqual(sent('dd-api-key', 'api'));
});

test('the OpenAPI document of an operator replaces the excerpt of a preset', () => {
  const openapi = { openapi: '3.0.3', paths: {} };
  expect(system({ preset: 'stripe', credential: 'k', openapi }).openapi).toMatchObject(openapi);
  expect(system({ preset: 'stripe', credential: 'k' }).openapi).toMatchObject({
    paths: { '/v1/refunds': { post: { operationId: 'PostRefunds' } } },
  });
});

test('a preset puts a key into every header in which its system looks for it', () => {
  expect(
    system({ preset: 'salesforce', upstream: 'https://acme.my.salesforce.com', credential: '${KEY}' }),
  ).toMatchObject({
    credential: {
      headers: [
        { name: 'authorization', value: 'Bearer k:{key}' },
        { name: 'x-sfdc-session', value: 'k:{key}' },
      ],
    },
    agentCredential: { header: 'x-sfdc-session' },
  });
});

test('a preset without a key sends no credential', () => {
  expect(system({ preset: 'npm', upstream: 'https://npm.example.com' }).credential).toBeUndefined();
});

test('what the operator writes overrides a preset, and mappings are merged', () => {
  const credential = { header: 'x-key', value: 'k' };
  const own = { preset: 'gitlab', upstream: 'https://git.example.com', path: { case: 'sensitive' }, credential };
  expect(system(own)).toMatchObject({
    upstream: new URL('https://git.example.com'),
    path: { encodedSlash: 'data', case: 'sensitive' },
    credential: sent('x-key', 'k'),
    refusals: 'gitlab',
  });
});

test('a preset that does not exist is an error with its line and the known ones', () => {
  expect(() => system({ preset: 'githib' })).toThrow(/line 1: systems\.it\.preset: expected one of anthropic, /);
});

test('a preset without the upstream of its system says what is missing', () => {
  expect(() => system({ preset: 'salesforce' })).toThrow('systems.it.upstream: missing');
});

test.each([
  ['openai', ['createResponse', 'createChatCompletion', 'POST /v1/responses']],
  ['anthropic', ['POST /v1/messages']],
])('the preset %s waits an hour for what its models say', (preset, operations) => {
  const timeoutOf = createAnswerTimeouts(system({ preset, credential: 'k' }))!;
  for (const operation of operations) expect(timeoutOf(operation)).toBe(3_600_000);
  expect(timeoutOf('GET /v1/models')).toBeUndefined();
});

test('a tag of GitHub that is called like a part of a release is not taken for that part', () => {
  const { openapi, upstream } = system({ preset: 'github', credential: 'k' });
  const nameOf = createOperationNamer(openapi, upstream.pathname);
  const operation = (path: string) => nameOf('GET', path.slice(1).split('/')).operation;
  expect(operation('/repos/o/r/releases/tags/assets')).toBe('repos/get-release-by-tag');
  expect(operation('/repos/o/r/releases/7/assets')).toBe('repos/list-release-assets');
});
