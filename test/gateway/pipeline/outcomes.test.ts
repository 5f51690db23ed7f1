import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Hold } from '../../../gateway/domain/hold.ts';
import {
  approve as approveHold,
  BEN,
  OTHER_TOKEN,
  REVIEWER_TOKEN,
  startDataPlane,
  TOKEN,
  type DataPlane,
} from '../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const REGO = `package rules.payments

allow contains {"rule": "reads", "reason": "reading is fine"} if input.action.method == "GET"

allow contains {"rule": "small", "reason": "small"} if input.action.body.amount <= 100

hold contains {"rule": "large", "reason": "more than 100", "reviewers": ["finance"]} if input.action.body.amount > 100

block contains {"rule": "huge", "reason": "more than 1000 is never paid"} if input.action.body.amount > 1000

allow contains {"rule": "signed", "obligations": [{"type": "set-header", "name": "X-Approved-By", "value": "policy"}]} if {
	input.action.method == "PUT"
}

allow contains {"rule": "odd", "obligations": [{"type": "sing-a-song"}]} if input.action.method == "PATCH"
`;

let upstream: Upstream;
let plane: DataPlane;
const now = { skew: 0 };

beforeAll(async () => {
  upstream = await startUpstream((received, response, request) => {
    if (received.url.includes('/slow')) return;
    if (received.url.includes('/cut')) {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half');
      setImmediate(() => request.socket.destroy());
      return;
    }
    if (received.url.includes('/reset')) {
      request.socket.destroy();
      return;
    }
    response.writeHead(201, { 'content-type': 'application/json', 'x-upstream': 'yes' }).end('{"paid":true}');
  });
  const key = { header: 'authorization', value: 'Bearer upstream-key' };
  plane = await startDataPlane({
    clock: () => Date.now() + now.skew,
    systems: {
      payments: { upstream: `${upstream.url}/base`, credential: key, wait: '30s', timeout: '1s', body_limit: '1KiB' },
      hasty: { upstream: upstream.url, wait: '0s' },
      away: { upstream: 'http://127.0.0.1:1' },
      ruleless: { upstream: upstream.url },
    },
    rego: {
      'payments.rego': REGO,
      'hasty.rego': REGO.replace('rules.payments', 'rules.hasty'),
      'away.rego': REGO.replace('rules.payments', 'rules.away'),
    },
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

type Headers = Record<string, string>;

function call(path: string, init: { method?: string; body?: string; headers?: Headers } = {}): Promise<Response> {
  return fetch(`${plane.url}${path}`, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...init.headers } });
}

/** A payment with a unique purpose, so that it finds no hold of another test. */
function pay(
  amount: number,
  options: { system?: string; purpose?: string; headers?: Headers } = {},
): Promise<Response> {
  const { system = 'payments', purpose = randomUUID(), headers = {} } = options;
  const body = JSON.stringify({ amount, purpose });
  return call(`/${system}/v1/pay`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

async function pendingHold(): Promise<Hold> {
  const isNew = ({ id }: Hold) => !seen.has(id);
  const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 100 })).items.find(isNew);
  await expect.poll(pending).toBeDefined();
  const hold = (await pending())!;
  seen.add(hold.id);
  return hold;
}
const seen = new Set<string>();

async function waitingCallers(): Promise<number | undefined> {
  return (await plane.registry.getSingleMetric('holdpoint_waiting_callers')?.get())?.values[0]?.value;
}

const approve = ({ id }: Hold) => approveHold(plane.store, id);
const reject = ({ id, revision }: Hold) =>
  plane.store.holds.apply(id, {
    type: 'reject',
    by: BEN,
    channel: 'api',
    revision,
    code: 'wrong-amount',
    note: 'pay 50 less',
  });

describe('allowed calls', () => {
  test('an allowed call gets the answer of the system unchanged, and its headers name the decision', async () => {
    const answer = await call('/payments/v1/items?a=1&b=%20');
    expect(answer.status).toBe(201);
    expect(answer.headers.get('x-upstream')).toBe('yes');
    expect(await answer.text()).toBe('{"paid":true}');
    expect(answer.headers.get('holdpoint-verdict')).toBe('allow');
    expect(answer.headers.get('holdpoint-decision')).toMatch(/^dec_[0-9a-f]{32}$/);
    expect(upstream.received.at(-1)).toMatchObject({ method: 'GET', url: '/base/v1/items?a=1&b=%20' });
  });

  test('an allowed call carries the system’s credential and never the agent’s', async () => {
    await call('/payments/v1/items', { headers: { 'x-api-key': TOKEN, cookie: 'session=1' } });
    const { rawHeaders, headers } = upstream.received.at(-1)!;
    expect(headers.authorization).toBe('Bearer upstream-key');
    expect(headers.cookie).toBeUndefined();
    expect(rawHeaders.join()).not.toContain(TOKEN);
  });

  test('an allowed call meets the obligations of the rule, and is blocked if it cannot', async () => {
    await call('/payments/v1/items', { method: 'PUT', headers: { 'x-approved-by': 'me' } });
    expect(upstream.received.at(-1)?.headers['x-approved-by']).toBe('policy');
    const before = upstream.received.length;
    const odd = await call('/payments/v1/items', { method: 'PATCH' });
    expect(odd.status).toBe(403);
    expect(await odd.json()).toMatchObject({ code: 'blocked', detail: expect.stringContaining('sing-a-song') });
    expect(upstream.received.length).toBe(before);
  });
});

describe('blocked calls', () => {
  test('a blocked call is 403 with the reason of the rule, and tells SDKs not to retry', async () => {
    const before = upstream.received.length;
    const answer = await pay(5000);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const decision_id = answer.headers.get('holdpoint-decision');
    expect(await answer.json()).toMatchObject({
      type: 'urn:holdpoint:problem:blocked',
      title: 'Blocked by policy',
      status: 403,
      code: 'blocked',
      detail: 'more than 1000 is never paid',
      rule: 'rules.payments/huge',
      decision_id,
    });
    expect(upstream.received.length).toBe(before);
  });

  test('every call to a system without rules is blocked', async () => {
    const answer = await call('/ruleless/v1/items');
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'blocked' });
  });
});

describe('held calls', () => {
  test('a held call keeps its caller waiting, and answers with the system’s answer once a person approves', async () => {
    const before = upstream.received.length;
    const waiting = pay(500);
    const hold = await pendingHold();
    expect(upstream.received.length).toBe(before);
    await approve(hold);
    const answer = await waiting;
    expect(answer.status).toBe(201);
    expect(answer.headers.get('holdpoint-verdict')).toBe('hold');
    expect(await answer.text()).toBe('{"paid":true}');
    expect(upstream.received.length).toBe(before + 1);
    expect(await plane.store.holds.find(hold.id)).toMatchObject({
      status: 'approved',
      execution: 'executed',
      upstreamStatus: 201,
    });
  });

  test('a held call is sent with exactly the bytes that were held', async () => {
    const body = '{ "amount":\t500.00,  "purpose": "spaces \\u00e9 and 12345678901234567890" }';
    const waiting = call('/payments/v1/pay', { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    await approve(await pendingHold());
    expect((await waiting).status).toBe(201);
    expect(upstream.received.at(-1)?.body.toString()).toBe(body);
  });

  test('a held call is 403 with the code and note of the reviewer who rejects it', async () => {
    const before = upstream.received.length;
    const waiting = pay(500);
    await reject(await pendingHold());
    const answer = await waiting;
    expect(answer.status).toBe(403);
    expect(answer.headers.get('x-should-retry')).toBe('false');
    const problem = { code: 'rejected', reviewer_code: 'wrong-amount', note: 'pay 50 less' };
    expect(await answer.json()).toMatchObject({ ...problem, detail: expect.stringMatching(/Until \d{4}-\S+Z/) });
    expect(upstream.received.length).toBe(before);
  });

  test('a held call is 503 with Retry-After and Location, never a 2xx, when no reviewer decides in time', async () => {
    const answer = await pay(500, { headers: { prefer: 'wait=0' } });
    const { hold_id } = (await answer.json()) as { hold_id: string };
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(answer.headers.get('location')).toBe(`/-/holds/${hold_id}`);
    await plane.store.holds.apply(hold_id, {
      type: 'cancel',
      by: 'billing-bot',
      as: 'agent',
      channel: 'agent',
      reason: null,
    });
  });

  test('a held call is 202 with a handle for a caller that prefers respond-async', async () => {
    const answer = await pay(500, { headers: { prefer: 'respond-async' } });
    const { hold_id } = (await answer.json()) as { hold_id: string };
    expect(answer.status).toBe(202);
    expect(answer.headers.get('preference-applied')).toBe('respond-async');
    expect(answer.headers.get('location')).toBe(`/-/holds/${hold_id}`);
    expect(answer.headers.get('retry-after')).not.toBeNull();
    expect(await plane.store.holds.find(hold_id)).toMatchObject({ handle: true, status: 'pending' });
    await plane.store.holds.apply(hold_id, {
      type: 'cancel',
      by: 'billing-bot',
      as: 'agent',
      channel: 'agent',
      reason: null,
    });
  });

  test('an identical retry of a held call attaches to the same hold, and the call executes once', async () => {
    const purpose = randomUUID();
    const first = await pay(500, { purpose, headers: { prefer: 'wait=0' } });
    const { hold_id } = (await first.json()) as { hold_id: string };
    const before = upstream.received.length;
    const retries = [pay(500, { purpose }), pay(500, { purpose })];
    await expect.poll(waitingCallers).toBe(2);
    await approve((await plane.store.holds.find(hold_id))!);
    const answers = await Promise.all(retries);
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(upstream.received.length).toBe(before + 1);
  });

  test('an identical retry redeems an approval that was given while the caller was away', async () => {
    const purpose = randomUUID();
    const { hold_id } = (await (await pay(500, { purpose, headers: { prefer: 'wait=0' } })).json()) as {
      hold_id: string;
    };
    const before = upstream.received.length;
    await approve((await plane.store.holds.find(hold_id))!);
    expect(upstream.received.length).toBe(before);
    expect((await pay(500, { purpose })).status).toBe(201);
    expect(upstream.received.length).toBe(before + 1);
  });

  test('a retry with the same Idempotency-Key gets the stored answer, and another payload with it is refused', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const purpose = randomUUID();
    const waiting = pay(500, { purpose, headers: key });
    await approve(await pendingHold());
    expect((await waiting).status).toBe(201);
    const before = upstream.received.length;
    const again = await pay(500, { purpose, headers: key });
    expect(again.status).toBe(201);
    expect(await again.text()).toBe('{"paid":true}');
    const other = await pay(501, { purpose, headers: key });
    expect(other.status).toBe(422);
    expect(await other.json()).toMatchObject({ code: 'key-reused' });
    expect(upstream.received.length).toBe(before);
  });

  test('a held call is 403 `expired`, not `rejected`, when no reviewer decides before it expires', async () => {
    const waiting = pay(500);
    const { id } = await pendingHold();
    now.skew += 31 * 60_000;
    await plane.store.holds.apply(id, { type: 'expire' });
    const answer = await waiting;
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ code: 'expired', hold_id: id });
  });

  test('the agent is told that the system could not be reached when its approved call could not be sent', async () => {
    const waiting = pay(500, { system: 'away' });
    const hold = await pendingHold();
    await approve(hold);
    const answer = await waiting;
    expect(answer.status).toBe(502);
    expect(await plane.store.holds.find(hold.id)).toMatchObject({ execution: 'failed' });
  });
});

describe('holds of agents', () => {
  test('a hold can be read, cancelled and fetched only by the agent that made the call', async () => {
    const { hold_id } = (await (await pay(500, { headers: { prefer: 'wait=0' } })).json()) as { hold_id: string };
    const view = await call(`/-/holds/${hold_id}`);
    expect(await view.json()).toMatchObject({
      hold_id,
      status: 'pending',
      execution: 'none',
      revision: 1,
      retry_after: 5,
    });
    for (const token of [OTHER_TOKEN, REVIEWER_TOKEN]) {
      const other = await call(`/-/holds/${hold_id}`, { headers: { authorization: `Bearer ${token}` } });
      expect(other.status).toBe(token === OTHER_TOKEN ? 404 : 401);
    }
    expect((await call(`/-/holds/${hold_id}/response`)).status).toBe(409);
    const cancelled = await call(`/-/holds/${hold_id}`, { method: 'DELETE' });
    expect(await cancelled.json()).toMatchObject({ status: 'cancelled' });
    expect((await call(`/-/holds/${hold_id}`, { method: 'DELETE' })).status).toBe(409);
    expect((await call('/-/holds/hold_unknown')).status).toBe(404);
  });

  test('a hold serves the stored answer once its call is executed', async () => {
    const waiting = pay(500);
    const { id } = await pendingHold().then(async (hold) => (await approve(hold), hold));
    await waiting;
    const stored = await call(`/-/holds/${id}/response`);
    expect([stored.status, await stored.text(), stored.headers.get('x-upstream')]).toEqual([
      201,
      '{"paid":true}',
      'yes',
    ]);
  });
});

describe('calls that are refused before policy decides', () => {
  test.each([
    ['no credential', '/payments/v1/items', { authorization: '' }, 401, 'unauthenticated'],
    ['an unknown credential', '/payments/v1/items', { authorization: 'Bearer nobody' }, 401, 'unauthenticated'],
    [
      'the credential of a reviewer',
      '/payments/v1/items',
      { authorization: `Bearer ${REVIEWER_TOKEN}` },
      401,
      'unauthenticated',
    ],
    [
      'a system that was not granted',
      '/hasty/v1/items',
      { authorization: `Bearer ${OTHER_TOKEN}` },
      403,
      'system-not-granted',
    ],
    ['an unknown system', '/nowhere/v1/items', {}, 404, 'unknown-system'],
    ['an ambiguous path', '/payments/v1/..%2fitems', {}, 400, 'ambiguous-path'],
    ['an unreadable Agent-Context', '/payments/v1/items', { 'agent-context': '=' }, 400, 'bad-context'],
  ])('a call with %s is refused and not sent', async (_what, path, headers, status, code) => {
    const before = upstream.received.length;
    const answer = await call(path, { headers });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('holdpoint-decision')).toMatch(/^dec_/);
    expect(answer.headers.get('holdpoint-verdict')).toBe('block');
    expect(await answer.json()).toMatchObject({ code, status });
    expect(upstream.received.length).toBe(before);
  });

  test.each([
    ['a body that is no JSON', '{"amount": 1', {}, 400, 'bad-body'],
    ['a member that occurs twice', '{"amount": 1, "amo\\u0075nt": 5000}', {}, 400, 'bad-body'],
    ['a body over the limit', JSON.stringify({ amount: 1, filler: 'x'.repeat(2000) }), {}, 413, 'body-too-large'],
    [
      'an encoding that cannot be judged',
      '{"amount": 1}',
      { 'content-encoding': 'aes128gcm' },
      415,
      'unsupported-encoding',
    ],
  ])('a call with %s is refused and not sent', async (_what, body, headers, status, code) => {
    const before = upstream.received.length;
    const answer = await call('/payments/v1/pay', {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...(headers as Headers) },
    });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
    expect(upstream.received.length).toBe(before);
  });
});

describe('failures of the system', () => {
  test.each([
    ['is unreachable', '/away/v1/items', 502, 'upstream-unreachable'],
    ['is too slow', '/payments/slow', 504, 'upstream-timeout'],
    ['hangs up without an answer', '/payments/reset', 502, 'upstream-failed'],
  ])('an agent gets a problem when the system %s', async (_what, path, status, code) => {
    const answer = await call(path);
    const text = await answer.text();
    expect(answer.status).toBe(status);
    expect(JSON.parse(text)).toMatchObject({ code });
    expect(text).not.toContain('127.0.0.1');
  });

  test('an answer that the system breaks off in the middle is aborted, never passed off as whole', async () => {
    const answer = await call('/payments/cut');
    expect(answer.status).toBe(200);
    await expect(answer.text()).rejects.toThrow();
  });
});

describe('the record', () => {
  test('the record has the decision and the end of every call, with agent, owner, rule and policy revision', async () => {
    const answer = await call('/payments/v1/refunds/re_1A2b3C4d5E6f7G', {
      headers: { 'agent-context': 'task="T-1", confidence=0.9' },
    });
    await answer.text();
    const decision_id = answer.headers.get('holdpoint-decision');
    const mine = async () => (await plane.events()).filter((event) => event.decision_id === decision_id);
    await expect.poll(async () => (await mine()).length).toBe(2);
    const [decided, completed] = await mine();
    expect(decided).toMatchObject({
      type: 'call.decided',
      layer: 'decide',
      agent: 'billing-bot',
      owner: 'ana@example.com',
      system: 'payments',
      operation: 'GET /v1/refunds/{id}',
      path: '/v1/refunds/re_1A2b3C4d5E6f7G',
      verdict: 'allow',
      rules: ['rules.payments/reads'],
      trigger: 'rule',
      task: 'T-1',
      confidence: 0.9,
      policy_revision: plane.decider.revision(),
    });
    expect(completed).toMatchObject({ type: 'call.completed', layer: 'execute', status: 201, actor: 'billing-bot' });
  });

  test('the record has the calls of a known agent that were refused before policy decided', async () => {
    const attempts = [
      ['/hasty/v1/items', OTHER_TOKEN, 'system-not-granted'],
      ['/payments/v1/..%2fitems', TOKEN, 'ambiguous-path'],
    ] as const;
    for (const [path, token, code] of attempts) {
      await call(path, { headers: { authorization: `Bearer ${token}` } });
      const agent = token === TOKEN ? 'billing-bot' : 'other-bot';
      const refused = async () => (await plane.events()).find((event) => event.code === code && event.agent === agent);
      await expect.poll(refused).toMatchObject({ type: 'call.refused', verdict: 'block', system: path.split('/')[1] });
    }
  });

  test('the record has no token, payloads are in the judged input only, and the log has none of them', async () => {
    const marker = randomUUID();
    await call(`/payments/v1/items?q=${marker}`);
    await pay(50, { purpose: marker });
    const bearer = `bearer-${marker}`;
    await call('/payments/v1/items', { headers: { authorization: `Bearer ${bearer}` } });
    const events = await plane.events();
    const apart = events.map((event) => ({ ...event, input: undefined }));
    expect(JSON.stringify([apart, plane.logged])).not.toContain(marker);
    expect(events.filter(({ input }) => input?.includes(marker))).toHaveLength(2);
    for (const secret of [bearer, TOKEN, 'upstream-key']) {
      expect(JSON.stringify([events, plane.logged])).not.toContain(secret);
    }
  });
});
