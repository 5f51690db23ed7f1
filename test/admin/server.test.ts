import { afterEach, describe, expect, test } from 'vitest';
import type { AdminDeps } from '../../admin/deps.ts';
import { openDesk, refund, type Desk } from './desk.ts';
import { emptyCallLog, exampleCall } from '../helpers/call-log.ts';

let desk: Desk;
async function open(overrides: Partial<AdminDeps> = {}): Promise<Desk> {
  desk = await openDesk(overrides);
  return desk;
}
afterEach(async () => {
  await desk.close();
});

const HOLD = '/api/holds/hold_1';
const ROUTES = [
  ['GET', '/api/holds'],
  ['GET', HOLD],
  ['GET', `${HOLD}/artifacts/a.txt`],
  ['GET', `${HOLD}/body`],
  ['POST', `${HOLD}/claim`],
  ['DELETE', `${HOLD}/claim`],
  ['GET', `${HOLD}/timeline`],
  ['GET', `${HOLD}/numbers`],
  ['POST', `${HOLD}/presence`],
  ['DELETE', `${HOLD}/presence`],
  ['POST', `${HOLD}/preview`],
  ['POST', '/api/holds/batch'],
  ['GET', '/api/me/numbers'],
  ...['approve', 'reject', 'escalate', 'take-over', 'outcome', 'note', 'answer', 'accept', 'return', 'cancel'].map(
    (action) => ['POST', `${HOLD}/${action}`] as const,
  ),
  ['GET', '/api/work'],
  ['GET', '/api/stream'],
  ['GET', '/api/grants'],
  ['DELETE', '/api/grants/grant_1'],
  ['GET', '/api/groups'],
  ['GET', '/api/delegations'],
  ['POST', '/api/delegations'],
  ['DELETE', '/api/delegations/dlg_1'],
  ['GET', '/api/agents'],
  ['GET', '/api/stop'],
  ['POST', '/api/stop'],
  ['DELETE', '/api/stop'],
  ['POST', '/api/agents/agent_1/suspend'],
  ['POST', '/api/agents/agent_1/resume'],
  ['GET', '/api/systems'],
  ['POST', '/api/systems/system_1/suspend'],
  ['POST', '/api/systems/system_1/resume'],
  ['GET', '/api/notices'],
  ['POST', '/api/notices/ntc_1/resend'],
  ['GET', '/api/me/preferences'],
  ['PUT', '/api/me/preferences'],
  ['GET', '/api/config'],
  ['GET', '/api/policy'],
  ['GET', '/api/policy/hits'],
  ['POST', '/api/policy/evaluate'],
  ['GET', '/api/coverage'],
  ['GET', '/api/calls'],
  ['GET', '/api/calls/call_1'],
  ['GET', '/api/session'],
  ['DELETE', '/api/session'],
  ['GET', '/api/sessions'],
  ['DELETE', '/api/sessions/session_1'],
  ['GET', '/api/reports'],
  ['GET', '/api/reports/cost'],
] as const;

describe('credentials', () => {
  test('every route under /api requires a reviewer’s token before it reads the body', async () => {
    await open();
    for (const [method, path] of ROUTES) {
      for (const authorization of [null, 'Bearer agent-token', 'Basic YmVuLXRva2Vu', 'Bearer', 'ben-token']) {
        // So that the number of wrong tokens is no reason to refuse one.
        desk.now += 60_000;
        const headers: Record<string, string> = authorization === null ? {} : { authorization };
        const answer = await fetch(`${desk.url}${path}`, { method, headers });
        expect(`${method} ${path} ${answer.status}`).toBe(`${method} ${path} 401`);
        expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/);
        expect(answer.headers.get('content-type')).toBe('application/problem+json');
        expect(await answer.json()).toMatchObject({ code: 'unauthenticated' });
      }
    }
  });

  test('no token is ever logged', async () => {
    await open();
    await desk.get('/api/holds');
    await desk.get('/api/holds', 'stranger');
    await expect.poll(() => desk.logged.length).toBe(2);
    expect(desk.logged).toMatchObject([
      { method: 'GET', route: '/api/holds', reviewer: 'ben@example.com', status: 200 },
      { reviewer: null, status: 401 },
    ]);
    expect(JSON.stringify(desk.logged)).not.toContain('-token');
  });
});

describe('policy', () => {
  test('the policy route tells which policy is in force, and why the newest is not', async () => {
    const refused = { at: 0, reason: 'payments.rego:3: unknown function' };
    const sources = [
      { package: 'rules.payments', rule: 'a', verdict: 'hold', file: 'payments.rego', line: 3 } as const,
    ];
    const status = () => ({ revision: 'p1', activatedAt: 1000, rules: ['rules.payments/a'], sources, refused });
    await open({ policy: { status, evaluate: () => null, misfits: () => [], ruleText: () => null } });
    expect((await desk.get('/api/policy')).json).toEqual({
      revision: 'p1',
      activated_at: '1970-01-01T00:00:01.000Z',
      rules: ['rules.payments/a'],
      sources,
      refused: { at: '1970-01-01T00:00:00.000Z', reason: refused.reason },
    });
  });

  test('a dry run rounds no number, as the gateway rounds none', async () => {
    const judged: string[] = [];
    const evaluate = (input: unknown) => judged.push(JSON.stringify(input));
    const status = () => ({ revision: 'p1', activatedAt: null, rules: [], sources: [], refused: null });
    await open({ policy: { status, evaluate, misfits: () => [], ruleText: () => null } });
    const numbers = ['9007199254740993', '1.10', '1e-400'];
    const answer = await desk.post('/api/policy/evaluate', { body: { input: { body: numbers.map(JSON.rawJSON) } } });
    expect([answer.status, judged]).toEqual([200, ['{"body":[9007199254740993,1.10,1e-400]}']]);
  });

  test('the policy route evaluates an input as a dry run', async () => {
    await open();
    const input = { action: { method: 'POST' } };
    const answer = await desk.post('/api/policy/evaluate', { body: { input } });
    expect(answer.json).toEqual({ revision: 'p1', decision: { verdict: 'block', saw: input } });
    expect(await desk.post('/api/policy/evaluate', { body: { input: 1 } })).toMatchObject({
      status: 422,
      json: { errors: [{ pointer: '/input' }] },
    });
  });

  test('an input that does not fit is not evaluated, and each place that does not fit is named', async () => {
    const evaluate = () => expect.fail('it was evaluated');
    const status = () => ({ revision: 'p1', activatedAt: null, rules: [], sources: [], refused: null });
    const misfits = () => [{ pointer: '/action/methud', expected: 'inputs have no such member' }];
    await open({ policy: { status, evaluate, misfits, ruleText: () => null } });
    expect(await desk.post('/api/policy/evaluate', { body: { input: {} } })).toMatchObject({
      status: 422,
      json: { errors: [{ in: 'body', pointer: '/input/action/methud', detail: 'inputs have no such member' }] },
    });
  });

  test('a dry run takes an input as large as the record keeps, and says when one is larger', async () => {
    await open();
    const input = (bytes: number) => ({ action: { body: 'x'.repeat(bytes) } });
    expect(await desk.post('/api/policy/evaluate', { body: { input: input(200 * 1024) } })).toMatchObject({
      status: 200,
    });
    expect(await desk.post('/api/policy/evaluate', { body: { input: input(300 * 1024) } })).toMatchObject({
      status: 413,
      json: { code: 'body-too-large' },
    });
  });

  test('a policy that throws is answered 503, and only the log has the cause', async () => {
    const evaluate = () => {
      throw new Error('wasm trap at 0x1');
    };
    const status = () => ({ revision: null, activatedAt: null, rules: [], sources: [], refused: null });
    await open({ policy: { status, evaluate, misfits: () => [], ruleText: () => null } });
    const answer = await desk.post('/api/policy/evaluate', { body: { input: {} } });
    expect(answer).toMatchObject({ status: 503, json: { code: 'policy-failed' } });
    expect(answer.text).not.toContain('wasm trap');
  });
});

describe('calls', () => {
  test('recorded calls are searched with the filter of the query', async () => {
    const asked: object[] = [];
    const search: AdminDeps['calls']['search'] = async (filter, page) => {
      asked.push(filter, page);
      return { items: [exampleCall], next: 'c2', searched_since: null, source: 'record' };
    };
    await open({ calls: { ...emptyCallLog, search } });
    const cursor = exampleCall.call_id;
    const query = `agent=billing-bot&verdict=allow&status=200&from=2026-01-01T00:00:00%2B01:00&text=over&cursor=${cursor}&limit=5`;
    const answer = await desk.get(`/api/calls?${query}`);
    expect(answer.json).toEqual({ items: [exampleCall], next: 'c2', searched_since: null, source: 'record' });
    const from = Date.parse('2025-12-31T23:00:00Z');
    expect(asked).toEqual([
      { agent: 'billing-bot', verdict: 'allow', status: 200, from, text: 'over' },
      { cursor, limit: 5 },
    ]);
  });

  test('a call search with an unknown filter or an invalid value is refused', async () => {
    await open({ calls: emptyCallLog });
    for (const query of [
      'colour=red',
      'verdict=maybe',
      'status=many',
      'from=yesterday',
      'failure=bad-luck',
      'cursor=c1',
    ]) {
      expect([query, (await desk.get(`/api/calls?${query}`)).status]).toEqual([query, 422]);
    }
  });

  test('a recorded call is returned in full, with every event and its input as JSON', async () => {
    const at = Date.parse('2026-01-01T00:00:00Z');
    const common = { at, node: 'gw-1', layer: 'decide', call_id: exampleCall.call_id } as const;
    const events = [
      { ...common, event_id: 'evt_1', type: 'call.decided', input: '{"action":{"body":{"amount":1.10}}}', rules: [] },
    ] as const;
    const checkpoint = { first: 1, last: 9, hash: 'b'.repeat(64), key: 'k1', at: '2026-01-01T00:01:00.000Z' };
    const places = [
      { event_id: 'evt_1', chain: 'chain-1', seq: 7, hash: 'a'.repeat(64), checkpoint },
      { event_id: 'evt_2', chain: 'chain-1', seq: 10, hash: 'c'.repeat(64), checkpoint: null },
    ];
    const story = async () => ({ call: exampleCall, events, places, source: 'record' as const });
    await open({ calls: { ...emptyCallLog, story } });
    const answer = await desk.get(`/api/calls/${exampleCall.call_id}`);
    expect(answer.text).toContain('"amount":1.10');
    expect(answer.json).toEqual({
      call: exampleCall,
      events: [
        {
          at: '2026-01-01T00:00:00.000Z',
          node: 'gw-1',
          layer: 'decide',
          call_id: exampleCall.call_id,
          event_id: 'evt_1',
          type: 'call.decided',
          input: { action: { body: { amount: 1.1 } } },
        },
      ],
      places,
      source: 'record',
    });
  });

  test('an unknown call is 404, and an invalid call id is 422', async () => {
    await open({ calls: emptyCallLog });
    expect(await desk.get(`/api/calls/${exampleCall.call_id}`)).toMatchObject({
      status: 404,
      json: { code: 'not-found' },
    });
    expect(await desk.get('/api/calls/hold_1')).toMatchObject({ status: 422 });
  });

  test('call routes are 503 while the audit record cannot be read', async () => {
    const away = () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1'));
    await open({ calls: { ...emptyCallLog, search: away, story: away } });
    for (const path of ['/api/calls', `/api/calls/${exampleCall.call_id}`]) {
      const answer = await desk.get(path);
      expect(answer).toMatchObject({ status: 503, json: { code: 'record-unavailable' } });
      expect(answer.text).not.toContain('10.0.0.1');
    }
  });
});

describe('operations', () => {
  test('livez, readyz and metrics need no token and contain no names', async () => {
    await open();
    await desk.store.holds.open(refund());
    expect(await desk.get('/-/livez', null)).toMatchObject({ status: 200 });
    expect(await desk.get('/-/readyz', null)).toMatchObject({ status: 200, json: { ready: true } });
    const metrics = await desk.get('/metrics', null);
    expect(metrics.text).toContain('holdpoint_holds{status="pending",execution="none"} 1');
    expect(metrics.text).not.toContain('billing-bot');
  });

  test('readyz is 503 with the reason while the gateway is not ready', async () => {
    await open({ readiness: () => ({ ready: false, checks: { policy: 'none active' } }) });
    expect(await desk.get('/-/readyz', null)).toMatchObject({
      status: 503,
      json: { checks: { policy: 'none active' } },
    });
  });

  test('an unexpected error is 500, is logged, and its response does not contain the cause', async () => {
    await open({ metrics: { contentType: 'text/plain', render: () => Promise.reject(new Error('secret cause')) } });
    const answer = await desk.get('/metrics', null);
    expect(answer).toMatchObject({ status: 500, json: { code: 'internal' } });
    expect(answer.text).not.toContain('secret cause');
    expect(desk.logged).toHaveLength(1);
  });

  test('an unavailable hold store is 503', async () => {
    await open();
    await desk.store.close();
    expect(await desk.get('/api/holds')).toMatchObject({ status: 503, json: { code: 'unavailable' } });
  });

  test('an unknown path of the API is a 404 problem', async () => {
    await open();
    for (const path of ['/api', '/api/nothing', '/api/holds/a/b/c', '/-/nothing', '/metrics/nothing']) {
      const answer = await desk.get(path);
      expect([path, answer.status, answer.headers.get('content-type')]).toEqual([
        path,
        404,
        'application/problem+json',
      ]);
      expect(answer.json).toMatchObject({ code: 'not-found' });
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

test('the API is described by the schemas that validate it', async () => {
  await open();
  const { status, json } = await desk.get('/api/openapi.json', null);
  const api = json as {
    openapi: string;
    paths: Record<string, Record<string, { parameters?: object[]; responses: Record<string, object> }>>;
  };
  expect(status).toBe(200);
  expect(api.openapi).toBe('3.1.0');
  const described = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  const routes = ROUTES.map(
    ([method, path]) =>
      `${method} ${path.replace(/\/[a-z]+_1/, '/{id}').replace(/a\.txt|(?<=reports\/)cost/, '{name}')}`,
  );
  routes.push('POST /api/session');
  expect(described.filter((route) => !route.startsWith('HEAD ')).toSorted()).toEqual(routes.toSorted());
  const approve = api.paths['/api/holds/{id}/approve']!['post']!;
  expect(Object.keys(approve.responses)).toEqual(
    expect.arrayContaining(['200', '403', '409', '412', '422', '423', '428']),
  );
  expect(approve.responses['409']).toMatchObject({ content: { 'application/problem+json': {} } });
  expect(approve.parameters).toContainEqual(expect.objectContaining({ name: 'if-match', in: 'header' }));
  const reject = api.paths['/api/holds/{id}/reject']!['post']!;
  expect(reject).toMatchObject({
    requestBody: {
      content: { 'application/json': { schema: { required: ['code'], properties: { note: { maxLength: 4000 } } } } },
    },
  });
});
