import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Coverage } from '../../../admin/coverage/coverage-route.ts';
import { allowed, createPlace, held, type Place, type RunningGateway } from '../../helpers/gateway.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

let upstream: Upstream;
let place: Place;
let gateway: RunningGateway;

beforeAll(async () => {
  upstream = await startUpstream((_request, response) => void response.writeHead(201).end('{}'));
  const openapi = {
    openapi: '3.1.0',
    paths: {
      '/repos/{owner}/{repo}/pulls/{number}/merge': { put: { operationId: 'merge' } },
      '/repos/{owner}/{repo}/transfer': { post: { operationId: 'transfer' } },
    },
  };
  place = await createPlace(upstream.url, { systems: { github: { upstream: upstream.url, openapi } } });
  gateway = await place.start();
}, 120_000);
afterAll(async () => {
  await place?.remove();
  await upstream?.close();
}, 60_000);

const classes = async () => {
  const { items } = (await gateway.admin({ path: '/api/coverage?period=7d' })).json<Coverage>();
  return Object.fromEntries(items.map(({ operation, class: of, declared }) => [operation, [of, declared]]));
};

test('a gateway tells what its systems declare, and what becomes of the calls that agents make', async () => {
  await expect.poll(classes).toEqual({ merge: ['unseen', 'openapi'], transfer: ['unseen', 'openapi'] });
  await gateway.call(allowed('one'));
  const waiting = gateway.call(held('two'));
  await gateway.approve(await gateway.holdOf('two'));
  await waiting;
  // The operation of an allowed call that no document names.
  const own = `${allowed('one').method} ${allowed('one').path.replace('/github', '')}`;
  await expect.poll(classes, { timeout: 30_000 }).toEqual({
    [own]: ['allowed', null],
    merge: ['guarded', 'openapi'],
    transfer: ['unseen', 'openapi'],
  });
  const hits = async () =>
    (await gateway.admin({ path: '/api/policy/hits' })).json<{ items: { rule: string }[] }>().items;
  await expect
    .poll(async () => (await hits()).find(({ rule }) => rule === 'rules.github/merge'), { timeout: 30_000 })
    .toMatchObject({ verdict: 'hold', hits: 1, levels: [2] });
});

test('a gateway judges an input as it would judge the call, and refuses one that no call has', async () => {
  const evaluate = (input: object) =>
    gateway.admin({ method: 'POST', path: '/api/policy/evaluate', body: JSON.stringify({ input }) });
  const action = { system: 'github', method: 'DELETE', segments: ['repos', 'acme', 'one'] };
  expect((await evaluate({ action })).json()).toMatchObject({
    decision: { verdict: 'block', rules: [{ id: 'rules.github/delete', places: [{ file: 'rules/github.rego' }] }] },
  });
  const answer = await evaluate({ action: { ...action, methud: 'GET' } });
  expect(answer.status).toBe(422);
  expect(answer.json()).toMatchObject({ errors: [{ pointer: '/input/action/methud' }] });
});
