import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Event } from '../../../gateway/domain/event.ts';
import { decide, startAdmin } from '../../helpers/admin.ts';
import { approve, REVIEWER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { problemsOf } from '../../helpers/event-check.ts';
import { startUpstream, type Upstream } from '../../helpers/upstream.ts';

const RULES = `package rules.payments

allow contains {"rule": "small"} if input.action.body.amount <= 10

hold contains {"rule": "large", "reason": $"{input.action.body.note} needs finance", "reviewers": ["finance"], "editable": ["/amount", "/lines"], "respond_within": "1m"} if {
	input.action.body.amount > 10
	input.action.body.amount <= 1000
}

block contains {"rule": "huge"} if input.action.body.amount > 1000

hold contains {"rule": "odd", "quorum": "many"} if input.action.body.odd
`;

const MASK = `package system.log

mask contains "/input/action/body/iban" if input.input.action.body.iban

mask contains {"op": "upsert", "path": "/input/action/path", "value": "/v1/people/(kept back)"} if {
	input.input.action.segments[1] == "people"
}
`;

let upstream: Upstream;
let plane: DataPlane;
let admin: Awaited<ReturnType<typeof startAdmin>>;
let answer = 200;

beforeAll(async () => {
  upstream = await startUpstream((_received, response) => response.writeHead(answer).end('{}'));
  plane = await startDataPlane({
    systems: {
      payments: { upstream: upstream.url, wait: '20s' },
      away: { upstream: 'http://127.0.0.1:1' },
    },
    rego: {
      'payments.rego': RULES,
      'away.rego': 'package rules.away\n\nallow contains {"rule": "all"}\n',
      'system/log/mask.rego': MASK,
    },
  });
  admin = await startAdmin(plane);
});

afterAll(async () => {
  await admin?.close();
  await plane?.close();
  await upstream?.close();
});

async function send(path: string, body: object | string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(`${plane.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  await response.text();
  return response;
}

/** What the journal and the store's outbox have of one decision. */
async function recorded(response: Response): Promise<Record<string, Event>> {
  const id = response.headers.get('holdpoint-decision');
  const steps = (await plane.store.outbox.read(0, 10_000)).map(({ event }) => event);
  const events = [...(await plane.events()), ...steps].filter(({ decision_id }) => decision_id === id);
  expect(events.flatMap(problemsOf)).toEqual([]);
  return Object.fromEntries(events.map((event) => [event.type, event]));
}

describe('a decision', () => {
  test('a decision is recorded with the policy input, without secrets', async () => {
    const sent = { amount: 1, card: { number: '4242 4242 4242 4242', cvc: '123' }, iban: 'DE00', note: 'ok' };
    const events = await recorded(await send('/payments/v1/cards/4242424242424242?api_key=abc', sent));
    const { input, ...decided } = events['call.decided']!;
    expect(JSON.parse(input!)).toMatchObject({
      action: {
        path: '/v1/cards/***',
        segments: ['v1', 'cards', '***'],
        query: { api_key: '***' },
        body: { amount: 1, card: { number: '***', cvc: '***' }, note: 'ok' },
      },
      resource: { type: 'cards', id: '***' },
    });
    expect(input).not.toContain('DE00');
    expect(decided).toMatchObject({ path: '/v1/cards/***', resource: 'cards/***', channel: 'agent', actor: 'policy' });
    expect(decided.masked).toEqual(
      expect.arrayContaining(['/action/body/iban', '/action/body/card/number', '/action/path', 'path', 'resource']),
    );
    expect(events['call.completed']).toMatchObject({
      path: '/v1/cards/***',
      resource: 'cards/***',
      rules: ['rules.payments/small'],
      layer: 'execute',
    });
    expect(upstream.received.at(-1)!.body.toString()).toBe(JSON.stringify(sent));
  });

  test('a decision is logged as it is recorded, without secrets in its path', async () => {
    const answer = await send('/payments/v1/notes/password=hunter2', { amount: 1 });
    const id = answer.headers.get('holdpoint-decision');
    const lines = plane.logged.filter(({ decision_id }) => decision_id === id);
    expect(lines).toMatchObject([{ msg: 'call', operation: 'POST /v1/notes/password=***' }]);
  });

  test('a recorded decision keeps every digit of its numbers', async () => {
    const events = await recorded(await send('/payments/v1/refunds', '{"amount": 1.50,"serial":12345678901234567890}'));
    expect(events['call.decided']!.input).toContain('{"amount": 1.50,"serial":12345678901234567890}');
  });
});

describe('the recorded failure of a call', () => {
  test('the failure of a forbidden call is boundary-exceeded', async () => {
    const events = await recorded(await send('/payments/v1/refunds', { amount: 5000 }));
    expect(events['call.decided']).toMatchObject({ failure: 'boundary-exceeded', verdict: 'block' });
    expect(events['call.completed']).toMatchObject({ failure: 'boundary-exceeded', layer: 'decide', code: 'blocked' });
  });

  test('the failure of a faulty policy is policy-wrong, with its fault', async () => {
    const events = await recorded(await send('/payments/v1/refunds', { odd: true }));
    expect(events['call.decided']).toMatchObject({ failure: 'policy-wrong', trigger: 'fault' });
    expect(events['call.decided']!.fault).toContain('quorum');
    expect(events['call.completed']).toMatchObject({ failure: 'policy-wrong', layer: 'decide' });
  });

  test('the failure of a call to an unreachable system is system-failed', async () => {
    const events = await recorded(await send('/away/v1/refunds', {}));
    expect(events['call.decided']).not.toHaveProperty('failure');
    expect(events['call.completed']).toMatchObject({ failure: 'system-failed', layer: 'record', status: 502 });
  });

  test('the failure of a call that the system answers with an error is system-failed', async () => {
    answer = 500;
    const events = await recorded(await send('/payments/v1/refunds', { amount: 1 }));
    answer = 200;
    expect(events['call.completed']).toMatchObject({ failure: 'system-failed', layer: 'record', status: 500 });
  });

  test('the failure of an unreadable call is boundary-exceeded', async () => {
    await send('/payments/v1/refunds', '{"a":1,"a":2}');
    const refused = (await plane.events()).findLast(({ type }) => type === 'call.refused')!;
    expect(problemsOf(refused)).toEqual([]);
    expect(refused).toMatchObject({ failure: 'boundary-exceeded', code: 'bad-body', channel: 'agent' });
  });

  test('a call that went through has no failure', async () => {
    const { 'call.completed': completed } = await recorded(await send('/payments/v1/refunds', { amount: 1 }));
    expect(completed).not.toHaveProperty('failure');
  });
});

describe('a hold', () => {
  const headers = { authorization: `Bearer ${REVIEWER_TOKEN}` };

  test('the events of a hold name its groups and the edited members, but no secret', async () => {
    const body = { amount: 500, note: 'card 4242424242424242', lines: [{ n: 1 }, { n: 2 }] };
    const sent = send('/payments/v1/cards/4242424242424242', body);
    const edit = { amount: 400, lines: [{ n: 1 }, { n: 3 }] };
    const { status, hold_id } = await decide(admin, 'approve', { edit, note: 'password: hunter2 is wrong' });
    expect(status).toBe(200);
    // Whoever edits does not approve alone.
    await approve(plane.store, hold_id, { id: 'eve@example.com', groups: ['finance'], roles: ['reviewer'] });
    const events = await recorded(await sent);
    expect(events['hold.opened']).toMatchObject({
      groups: ['finance'],
      level: 2,
      respond_within_ms: 60_000,
      channel: 'agent',
      path: '/v1/cards/***',
      resource: 'cards/***',
      reason: 'card *** needs finance',
    });
    expect(events['hold.edited']).toMatchObject({
      changes: ['/amount', '/lines/1/n'],
      reason: 'password: *** is wrong',
      channel: 'api',
    });
    expect(JSON.stringify(events)).not.toMatch(/4242|hunter2/);
  });

  test('the failure of a rejected hold is boundary-exceeded', async () => {
    const sent = send('/payments/v1/people/ana', { amount: 500, note: 'it' });
    await decide(admin, 'reject', { code: 'not-now' });
    const events = await recorded(await sent);
    expect(events['hold.rejected']).toMatchObject({ failure: 'boundary-exceeded', code: 'not-now' });
    expect(events['call.completed']).toMatchObject({ failure: 'boundary-exceeded', layer: 'decide' });
    // What policy masks of the path is masked in every step.
    for (const { path } of Object.values(events)) expect(path).toBe('/v1/people/(kept back)');
    const list = await fetch(`${admin.url}/api/holds?status=rejected`, { headers });
    expect(JSON.stringify(await list.json())).toContain('/v1/people/ana');
  });
});
