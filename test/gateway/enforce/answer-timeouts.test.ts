import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAnswerTimeouts } from '../../../gateway/enforce/answer-timeouts.ts';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

test('the first entry that names an operation counts, and a star stands for any text', () => {
  const timeoutOf = createAnswerTimeouts({
    timeouts: [
      { operations: ['POST /v1/responses', 'GET /exports/{id}/*'], timeout: 1 },
      { operations: ['GET /exports/*', 'create.*'], timeout: 2 },
    ],
  })!;
  const operations = ['POST /v1/responses', 'GET /exports/{id}/rows', 'GET /exports/{id}', 'create.all', 'createXall'];
  for (const _ of [1, 2]) expect(operations.map(timeoutOf)).toEqual([1, 1, 2, 2, undefined]);
  expect(timeoutOf('POST /v1/responses/{id}')).toBeUndefined();
});

test('a system without such operations has nothing to look up', () => {
  expect(createAnswerTimeouts({})).toBeNull();
});

const REGO = `package rules.api

allow contains {"rule": "all"} if input.action.segments[0] != "held"

hold contains {"rule": "held", "reviewers": ["finance"]} if input.action.segments[0] == "held"
`;

let upstream: Upstream;
let plane: DataPlane;
beforeAll(async () => {
  // It never answers by itself what waits.
  upstream = await startUpstream(({ url }, response) => {
    if (!url.includes('wait')) response.end('ok');
  });
  const timeouts = [{ operations: ['GET /wait', 'GET /held/wait'], timeout: '50ms' }];
  plane = await startDataPlane({
    systems: { api: { upstream: upstream.url, timeout: '1h', wait: '20s', timeouts } },
    rego: { 'p.rego': REGO },
  });
});
afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

const call = (path: string) => fetch(`${plane.url}/api${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });

test('an operation with a time of its own is given up after that, and not after the time of its system', async () => {
  expect((await call('/other')).status).toBe(200);
  const answer = await call('/wait');
  expect(answer.status).toBe(504);
  expect(await answer.json()).toMatchObject({ code: 'upstream-timeout' });
});

test('a held call has the time of its operation when it is released', async () => {
  const answer = call('/held/wait');
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 10 })).items;
  await expect.poll(async () => (await pending()).length).toBe(1);
  await approve(plane.store, (await pending())[0]!.id);
  expect((await answer).status).not.toBe(200);
  await expect
    .poll(async () => (await plane.store.holds.list({ limit: 10 })).items[0]?.execution)
    .toBe('indeterminate');
});
