import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SHOWN_BYTES } from '../../admin/body-view.ts';
import { contextPackage } from '../../admin/context-package.ts';
import { openDesk, refund, REFUND, type Desk } from './desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

async function hold(...of: Parameters<typeof refund>): Promise<string> {
  return (await desk.store.open(refund(...of))).hold.id;
}

describe('deciding', () => {
  test('a reviewer approves what they have seen and gets the hold back', async () => {
    const id = await hold();
    const seen = await desk.get(`/api/holds/${id}`);
    const etag = seen.headers.get('etag')!;
    expect(etag).toBe('"1"');
    const answer = await desk.post(`/api/holds/${id}/approve`, { ifMatch: etag, body: { note: 'fine' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.json).toMatchObject({
      hold_id: id,
      status: 'approved',
      decided: { by: 'ben@example.com', at: new Date(desk.now).toISOString(), note: 'fine' },
      you_may: { approve: false, reject: false },
    });
    expect((await desk.store.find(id))?.votes).toMatchObject([{ reviewer: 'ben@example.com', channel: 'api' }]);
  });

  test('approve needs no body', async () => {
    expect((await desk.post(`/api/holds/${await hold()}/approve`, {})).status).toBe(200);
  });

  test('a reviewer rejects with a code and a note that the agent can read', async () => {
    const id = await hold();
    const body = { code: 'wrong-amount', note: 'should be 50' };
    expect((await desk.post(`/api/holds/${id}/reject`, { body })).json).toMatchObject({ status: 'rejected' });
    expect(await desk.store.find(id)).toMatchObject({ code: 'wrong-amount', note: 'should be 50' });
  });

  test('a quorum of two takes two people, and one person counts once', async () => {
    const id = await hold(REFUND, { quorum: 2 });
    const first = await desk.post(`/api/holds/${id}/approve`, {});
    expect(first.json).toMatchObject({ status: 'pending', routing: { approvals: 1, quorum: 2 } });
    const again = await desk.post(`/api/holds/${id}/approve`, {});
    expect(again).toMatchObject({ status: 409, json: { code: 'decided' } });
    const second = await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    expect(second.json).toMatchObject({ status: 'approved', routing: { approvals: 2 } });
  });

  test('nothing acts on GET', async () => {
    const id = await hold();
    expect((await desk.get(`/api/holds/${id}/approve`)).status).toBe(404);
    expect((await desk.store.find(id))?.version).toBe(1);
  });
});

describe('If-Match', () => {
  test('is required', async () => {
    const id = await hold();
    for (const action of ['approve', 'reject']) {
      const body = action === 'reject' ? { code: 'other' } : {};
      expect(await desk.post(`/api/holds/${id}/${action}`, { ifMatch: null, body })).toMatchObject({
        status: 428,
        json: { code: 'precondition-required' },
      });
    }
  });

  test.each([
    ['a star, which names nothing that was seen', '*', 428, 'precondition-required'],
    ['an older or newer revision', '"2"', 412, 'stale'],
    ['a weak tag, which never matches strongly', 'W/"1"', 412, 'stale'],
    ['a tag without quotes', '1', 400, 'bad-request'],
    ['half a list', '"1",', 400, 'bad-request'],
    ['a number written otherwise', '"01"', 412, 'stale'],
  ])('refuses %s', async (_name, ifMatch, status, code) => {
    const id = await hold();
    expect(await desk.post(`/api/holds/${id}/approve`, { ifMatch })).toMatchObject({ status, json: { code } });
    expect((await desk.store.find(id))?.version).toBe(1);
  });

  test('takes a list with the current revision in it', async () => {
    const id = await hold();
    expect((await desk.post(`/api/holds/${id}/approve`, { ifMatch: '"0", W/"9", "1"' })).status).toBe(200);
  });

  test('is stale once policy has asked again', async () => {
    const id = await hold();
    await desk.post(`/api/holds/${id}/approve`, {});
    const { terms, rules } = (await desk.store.find(id))!;
    await desk.store.apply(id, { type: 'reopen', rules, reason: 'new', terms, policyRevision: 'p2' });
    expect((await desk.get(`/api/holds/${id}`)).headers.get('etag')).toBe('"2"');
    expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' })).status).toBe(412);
    expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo', ifMatch: '"2"' })).status).toBe(200);
  });
});

describe('who comes too late or may not', () => {
  test('is told who decided and when', async () => {
    const id = await hold();
    await desk.post(`/api/holds/${id}/reject`, { body: { code: 'not-now' } });
    const answer = await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    const at = new Date(desk.now).toISOString();
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toEqual({
      type: 'urn:holdpoint:problem:decided',
      title: 'Already decided',
      status: 409,
      detail: `Already rejected by ben@example.com at ${at}.`,
      code: 'decided',
      hold_id: id,
      decided: { status: 'rejected', by: 'ben@example.com', at },
    });
  });

  test('finds the hold expired when the time is over, timer or not', async () => {
    const id = await hold();
    desk.now += 1_800_000;
    expect(await desk.post(`/api/holds/${id}/approve`, {})).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining('Expired'), decided: { status: 'expired', by: null } },
    });
  });

  test.each([
    ['the owner of the agent', 'ana'],
    ['somebody of another group', 'dan'],
    ['somebody without the role', 'eve'],
  ])('%s is refused with 403, and knew it from you_may', async (_name, who) => {
    const id = await hold();
    const { json } = await desk.get(`/api/holds/${id}`, who);
    const answer = await desk.post(`/api/holds/${id}/approve`, { who });
    expect(answer).toMatchObject({ status: 403, json: { code: 'not-permitted', hold_id: id } });
    expect(json).toMatchObject({ you_may: { approve: false, why: (answer.json as { detail: string }).detail } });
    expect((await desk.store.find(id))?.version).toBe(1);
  });

  test('level 3 cannot be approved', async () => {
    const id = await hold(REFUND, { level: 3 });
    expect(await desk.post(`/api/holds/${id}/approve`, {})).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining('Level 3') },
    });
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({ you_may: { approve: false, reject: true } });
  });

  test('nobody approves what they could not see whole, but anybody may reject it', async () => {
    for (const body of [Buffer.from([0xff, 0xfe, 0]), Buffer.from('a\0b'), Buffer.alloc(SHOWN_BYTES + 1, 'a')]) {
      const id = await hold(body);
      const { json } = await desk.get(`/api/holds/${id}`);
      expect(json).toMatchObject({ action: { complete: false }, you_may: { approve: false, reject: true } });
      expect(await desk.post(`/api/holds/${id}/approve`, {})).toMatchObject({
        status: 409,
        json: { code: 'incomplete' },
      });
      expect((await desk.post(`/api/holds/${id}/reject`, { body: { code: 'other' } })).status).toBe(200);
    }
  });

  test('an unknown hold is 404, whatever its name looks like', async () => {
    for (const id of ['hold_0', `hold_${'0'.repeat(32)}`, '%00', "'or 1=1"]) {
      expect((await desk.get(`/api/holds/${id}`)).status).toBe(404);
      expect((await desk.post(`/api/holds/${id}/approve`, {})).status).toBe(404);
    }
  });
});

describe('a malformed request', () => {
  const cases: [string, string, object, number, object][] = [
    ['a code that is none', 'reject', { body: { code: 'nope' } }, 422, { errors: [{ in: 'body', pointer: '/code' }] }],
    ['no code', 'reject', { body: {} }, 422, { errors: [{ in: 'body', pointer: '/code' }] }],
    ['no body where one is needed', 'reject', {}, 422, { code: 'invalid' }],
    ['a note too long', 'approve', { body: { note: 'a'.repeat(4001) } }, 422, { errors: [{ pointer: '/note' }] }],
    ['a note that is no text', 'approve', { body: { note: 1 } }, 422, { errors: [{ pointer: '/note' }] }],
    ['a member that is unknown', 'approve', { body: { edit: {} } }, 422, { detail: expect.stringContaining('edit') }],
    ['a list instead of an object', 'approve', { body: [] }, 422, { code: 'invalid' }],
    ['text that is no JSON', 'approve', { body: '{"note":' }, 400, { code: 'bad-request' }],
    ['a poisoned prototype', 'approve', { body: '{"__proto__":{}}' }, 400, { code: 'bad-request' }],
    ['more than the limit', 'approve', { body: { note: 'a'.repeat(70_000) } }, 413, { code: 'body-too-large' }],
    ['a form', 'approve', { body: 'note=a', type: 'application/x-www-form-urlencoded' }, 415, {}],
    ['plain text', 'approve', { body: '{}', type: 'text/plain' }, 415, { code: 'unsupported-media-type' }],
  ];
  test.each(cases)('with %s is refused and changes nothing', async (_name, action, options, status, body) => {
    const id = await hold();
    const answer = await desk.post(`/api/holds/${id}/${action}`, options);
    expect(answer).toMatchObject({ status, json: body });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect((await desk.store.find(id))?.version).toBe(1);
  });

  test.each(['?status=odd', '?limit=0', '?limit=1000', '?limit=x', '?colour=red', '?cursor=x'])(
    'of the list, %s, names the parameter',
    async (query) => {
      const name = query.slice(1).split('=')[0]!;
      expect(await desk.get(`/api/holds${query}`)).toMatchObject({
        status: 422,
        json: { code: 'invalid', detail: expect.stringContaining(name) },
      });
    },
  );
});

describe('the list', () => {
  test('pages and filters', async () => {
    const ids: string[] = [];
    for (let amount = 1; amount <= 3; amount++) ids.push(await hold(`{"amount":${amount}}`));
    await desk.post(`/api/holds/${ids[0]}/reject`, { body: { code: 'other' } });
    const first = (await desk.get('/api/holds?limit=2')).json as { items: { hold_id: string }[]; next: string };
    const second = (await desk.get(`/api/holds?limit=2&cursor=${first.next}`)).json as typeof first;
    const seen = [...first.items, ...second.items].map(({ hold_id }) => hold_id);
    expect(seen).toEqual(ids.toSorted().toReversed());
    expect(second.next).toBeNull();
    expect((await desk.get('/api/holds?status=rejected&group=finance')).json).toMatchObject({
      items: [{ hold_id: ids[0], status: 'rejected', routing: { groups: ['finance'] } }],
    });
    expect((await desk.get('/api/holds?group=legal')).json).toEqual({ items: [], next: null });
  });
});

describe('the context package', () => {
  test('shows the whole call, what approving does, and the agent’s words apart', async () => {
    const id = await hold();
    const { json } = await desk.get(`/api/holds/${id}`);
    expect(json).toMatchObject({
      hold_id: id,
      status: 'pending',
      execution: 'none',
      level: 2,
      agent: { id: 'billing-bot', owner: 'ana@example.com', session: 's-1' },
      action: {
        url: '/payments/v1/refunds?a=1',
        summary: 'billing-bot (owner ana@example.com) wants createRefund at payments, amount 50000 usd.',
        amount: { value: 50000, currency: 'usd' },
        headers: { 'content-type': 'application/json' },
        hidden_headers: ['authorization', 'x-odd'],
        body: { amount: 50000, currency: 'usd', charge: 'ch_1' },
        body_text: REFUND,
        complete: true,
      },
      diff: { current: null, proposed: { amount: 50000 }, edited: null },
      draft_response: 'Dear…',
      policy: { rules: ['rules.payments/refund-over-limit'], reasons: ['more than 100 USD'], trigger: 'rule' },
      risk: { flags: ['unusual'], confidence: 0.4, reversible: false },
      claims: { task: 'T-1', summary: '<b>safe!</b>' },
      consequence: expect.stringContaining('POST /payments/v1/refunds?a=1 once'),
      routing: { groups: ['finance'], quorum: 1, approvals: 0 },
      options: ['escalate_to_legal'],
      editable: ['/amount'],
      you_may: { approve: true, reject: true, why: null },
    });
    expect(JSON.stringify(json)).not.toContain('agent-secret');
  });

  test('does not round what it shows', async () => {
    const text = '{"amount":9007199254740993,"rate":0.10,"tiny":1e-7,"huge":1e400}';
    const { json } = await desk.get(`/api/holds/${await hold(text)}`);
    expect(json).toMatchObject({
      action: { body: { amount: '9007199254740993', rate: 0.1, tiny: 1e-7, huge: '1e400' }, body_text: text },
    });
  });

  test('says how many approvals are missing', async () => {
    const id = await hold(REFUND, { quorum: 3 });
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
      consequence: expect.stringContaining('one of 3 approvals'),
    });
  });

  test('says so when the call is no longer kept', async () => {
    const id = await hold();
    await desk.post(`/api/holds/${id}/reject`, { body: { code: 'other' } });
    const gone = contextPackage((await desk.store.find(id))!, null, { approve: true, reject: true, why: null });
    expect(gone).toMatchObject({ action: { complete: false }, you_may: { approve: false } });
  });
});
