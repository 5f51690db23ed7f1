import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOST_SHOWN } from '../../../gateway/domain/showable.ts';
import { openDesk, REFUND, requirement, type Desk } from '../desk.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const versionOf = async (id: string) => (await desk.store.holds.find(id))?.version;

describe('deciding', () => {
  test('a reviewer approves the revision they read, and the response is the hold', async () => {
    const id = await desk.hold();
    const opened = desk.now;
    desk.now += 1_000;
    const seen = await desk.get(`/api/holds/${id}`);
    const etag = seen.headers.get('etag')!;
    expect(etag).toBe('"1"');
    desk.now += 9_000;
    const answer = await desk.post(`/api/holds/${id}/approve`, { ifMatch: etag, body: { note: 'fine' } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.json).toMatchObject({
      hold_id: id,
      status: 'approved',
      decided: { by: 'ben@example.com', at: new Date(desk.now).toISOString(), note: 'fine' },
      you_may: { approve: false, reject: false },
      you_voted: true,
    });
    expect((await desk.store.holds.find(id))?.votes).toMatchObject([
      { reviewer: 'ben@example.com', channel: 'api', seenAt: opened + 1_000, at: desk.now },
    ]);
  });

  test('approve needs no body, and a vote of a reviewer who never read the hold has no seen_at', async () => {
    const id = await desk.hold();
    expect((await desk.post(`/api/holds/${id}/approve`)).status).toBe(200);
    expect((await desk.store.holds.find(id))?.votes).toMatchObject([{ seenAt: null }]);
  });

  test('the channel that a person used is recorded', async () => {
    const id = await desk.hold();
    await desk.post(`/api/holds/${id}/approve`, { channel: 'cli' });
    expect((await desk.store.holds.find(id))?.votes).toMatchObject([{ channel: 'cli' }]);
    for (const channel of ['agent', 'carrier-pigeon']) {
      expect(
        await desk.post(`/api/holds/${await desk.hold('{}')}/reject`, { channel, body: { code: 'other' } }),
      ).toMatchObject({
        status: 422,
        json: { errors: [{ in: 'headers', pointer: '/holdpoint-channel' }] },
      });
    }
  });

  test('a reviewer rejects with a code and a note that the agent can read', async () => {
    const id = await desk.hold();
    const body = { code: 'wrong-amount', note: 'should be 50' };
    expect((await desk.post(`/api/holds/${id}/reject`, { body })).json).toMatchObject({ status: 'rejected' });
    expect(await desk.store.holds.find(id)).toMatchObject({ code: 'wrong-amount', note: 'should be 50' });
  });

  test('a quorum of two takes two people, and one person counts once', async () => {
    const id = await desk.hold(REFUND, { requirements: [requirement(['finance'], 2)] });
    const first = await desk.post(`/api/holds/${id}/approve`);
    expect(first.json).toMatchObject({
      status: 'pending',
      routing: { approvals: 1, quorum: 2, demands: [{ groups: ['finance'], quorum: 2, approvals: 1 }] },
    });
    expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({
      status: 409,
      json: { code: 'conflict', detail: expect.stringContaining('one person counts once') },
    });
    const second = await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    expect(second.json).toMatchObject({ status: 'approved', routing: { approvals: 2 } });
  });

  test('a deputy decides for the delegator', async () => {
    const id = await desk.hold(REFUND, { requirements: [requirement(['legal'])] });
    expect((await desk.post(`/api/holds/${id}/approve`)).status).toBe(403);
    const until = desk.now + 3_600_000;
    await desk.store.delegations.add({ from: 'dan@example.com', to: 'ben@example.com', since: desk.now, until }, 'api');
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({ you_may: { approve: true, why: null } });
    expect((await desk.post(`/api/holds/${id}/approve`)).json).toMatchObject({
      status: 'approved',
      routing: { votes: [{ reviewer: 'ben@example.com', for: 'dan@example.com', groups: ['legal'] }] },
    });
  });

  test('nothing acts on GET', async () => {
    const id = await desk.hold();
    for (const action of ['approve', 'claim', 'cancel?reason=x', 'take-over', 'note', 'accept']) {
      expect((await desk.get(`/api/holds/${id}/${action}`)).status).toBe(404);
    }
    await desk.get(`/api/holds/${id}`);
    await desk.get('/api/holds');
    expect(await versionOf(id)).toBe(1);
  });
});

describe('If-Match', () => {
  const writes = [
    ['POST', 'claim', undefined],
    ['DELETE', 'claim', undefined],
    ['POST', 'approve', {}],
    ['POST', 'reject', { code: 'other' }],
    ['POST', 'escalate', { to: 'legal' }],
    ['POST', 'take-over', {}],
    ['POST', 'outcome', { result: 'executed' }],
    ['POST', 'note', { text: 'hm' }],
    ['POST', 'answer', { note: 'yes' }],
    ['POST', 'accept', {}],
    ['POST', 'return', { code: 'other' }],
    ['POST', 'cancel', {}],
  ] as const;

  test.each(writes)('If-Match is required and must be current: %s %s', async (method, action, body) => {
    const id = await desk.hold();
    const send = method === 'POST' ? desk.post : desk.delete;
    const path = `/api/holds/${id}/${action}`;
    expect(await send(path, { ifMatch: null, body })).toMatchObject({
      status: 428,
      json: { code: 'precondition-required' },
    });
    expect(await send(path, { ifMatch: '"2"', body })).toMatchObject({ status: 412, json: { code: 'stale' } });
    expect(await send(`/api/holds/hold_${'0'.repeat(32)}/${action}`, { body })).toMatchObject({ status: 404 });
    expect(await versionOf(id)).toBe(1);
  });

  test.each([
    ['a star, which names no revision', '*', 428, 'precondition-required'],
    ['a weak tag of another revision', 'W/"2"', 412, 'stale'],
    ['a list, which approves whichever revision is current', '"1", "2"', 400, 'bad-request'],
    ['a list of the same tag twice', '"1", W/"1"', 400, 'bad-request'],
    ['a tag without quotes', '1', 400, 'bad-request'],
    ['half a list', '"1",', 400, 'bad-request'],
    ['a number with a leading zero', '"01"', 412, 'stale'],
  ])('If-Match is refused with %s', async (_name, ifMatch, status, code) => {
    const id = await desk.hold();
    expect(await desk.post(`/api/holds/${id}/approve`, { ifMatch })).toMatchObject({ status, json: { code } });
    expect(await versionOf(id)).toBe(1);
  });

  test('If-Match accepts the weak tag that nginx gzip and Cloudflare make of the current revision (fastify/fastify-etag#108)', async () => {
    const id = await desk.hold();
    expect((await desk.post(`/api/holds/${id}/approve`, { ifMatch: 'W/"1"' })).status).toBe(200);
  });

  test('If-Match is stale once policy has asked again', async () => {
    const id = await desk.hold();
    await desk.post(`/api/holds/${id}/approve`);
    const { terms, rules } = assertCall((await desk.store.holds.find(id))!);
    await desk.store.holds.apply(id, { type: 'reopen', rules, reason: 'new', terms, cost: null, policyRevision: 'p2' });
    expect((await desk.get(`/api/holds/${id}`)).headers.get('etag')).toBe('"2"');
    expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' })).status).toBe(412);
    expect((await desk.post(`/api/holds/${id}/approve`, { who: 'cleo', ifMatch: '"2"' })).status).toBe(200);
  });
});

describe('a late or forbidden decision', () => {
  test('a late decision is told who decided and when', async () => {
    const id = await desk.hold();
    await desk.post(`/api/holds/${id}/reject`, { body: { code: 'not-now' } });
    const at = new Date(desk.now).toISOString();
    const answer = await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    expect(answer.status).toBe(409);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.json).toEqual({
      type: 'urn:holdpoint:problem:decided',
      title: 'Already decided',
      status: 409,
      detail: `Already rejected by ben@example.com at ${at}. Nothing was changed; read the hold to see its state.`,
      code: 'decided',
      hold_id: id,
      decided: { status: 'rejected', by: 'ben@example.com', at },
    });
    for (const action of ['take-over', 'cancel', 'claim']) {
      expect(await desk.post(`/api/holds/${id}/${action}`, { who: 'ana' })).toMatchObject({
        status: 409,
        json: { decided: { by: 'ben@example.com', at } },
      });
    }
  });

  test('an approval is refused as too late only when the expiry is committed, whatever a clock says', async () => {
    // Another gateway's approval may be under way at the deadline. What it may become is not for a clock to tell.
    const ahead = await openDesk({ clock: () => ahead.now + 1 });
    try {
      const id = await ahead.hold();
      ahead.now += 1_800_000 - 1;
      expect((await ahead.post(`/api/holds/${id}/approve`)).status).toBe(200);
      const late = await ahead.hold('{"amount":50001}');
      ahead.now += 1_800_000;
      expect(await ahead.post(`/api/holds/${late}/approve`)).toMatchObject({
        status: 409,
        json: { decided: { status: 'expired', by: null } },
      });
      expect((await ahead.store.holds.find(late))?.status).toBe('expired');
    } finally {
      await ahead.close();
    }
  });

  test('a decision after expiry finds the hold expired, even before the timer ran', async () => {
    const id = await desk.hold();
    desk.now += 1_800_000;
    expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({
      status: 409,
      json: { detail: expect.stringContaining('Expired') },
    });
    expect(await desk.post(`/api/holds/${id}/reject`, { body: { code: 'other' } })).toMatchObject({
      status: 409,
      json: { decided: { status: 'expired', by: null } },
    });
  });

  test.each([
    ['the owner of the agent', 'ana'],
    ['somebody of another group', 'dan'],
    ['somebody without the role', 'eve'],
    ['an operator, who is no reviewer', 'olga'],
  ])('%s is refused with 403, as you_may announced', async (_name, who) => {
    const id = await desk.hold();
    const { json } = await desk.get(`/api/holds/${id}`, who);
    const { why } = (json as { you_may: { why: string } }).you_may;
    expect(json).toMatchObject({ you_may: { approve: false, edit: false } });
    expect(await desk.post(`/api/holds/${id}/approve`, { who })).toMatchObject({
      status: 403,
      json: { code: 'not-permitted', hold_id: id, detail: expect.stringContaining(why) },
    });
    expect(await versionOf(id)).toBe(1);
  });

  test('level 3 cannot be approved, only taken over or rejected', async () => {
    const id = await desk.hold(REFUND, { level: 3 });
    expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({
      status: 403,
      json: { detail: expect.stringContaining('Level 3') },
    });
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
      you_may: { approve: false, edit: false, reject: true, take_over: true },
    });
  });

  test('a call that is not displayed in full cannot be approved, but can be rejected', async () => {
    const id = await desk.hold(Buffer.alloc(MOST_SHOWN + 1, 'a'));
    const { json } = await desk.get(`/api/holds/${id}`);
    const you_may = { approve: false, edit: false, reject: true };
    expect(json).toMatchObject({ action: { complete: false }, you_may });
    for (const asked of [{}, { edit: { amount: 1 } }]) {
      expect(await desk.post(`/api/holds/${id}/approve`, { body: asked })).toMatchObject({
        status: 409,
        json: { code: 'incomplete' },
      });
    }
    expect((await desk.post(`/api/holds/${id}/reject`, { body: { code: 'other' } })).status).toBe(200);
  });

  test('an unknown hold is 404, even under an odd id', async () => {
    for (const id of ['hold_0', `hold_${'0'.repeat(32)}`, '%00', "'or 1=1"]) {
      expect((await desk.get(`/api/holds/${id}`)).status).toBe(404);
      expect((await desk.post(`/api/holds/${id}/approve`)).status).toBe(404);
    }
  });
});

describe('a malformed request', () => {
  const field = (pointer: string) => ({ code: 'invalid', errors: [{ in: 'body', pointer }] });
  const tooLong = (pointer: string) => ({ code: 'too-long', errors: [{ in: 'body', pointer }] });
  const long = 'a'.repeat(4001);
  const cases: [string, string, object, number, object][] = [
    ['a code that is none', 'reject', { body: { code: 'nope' } }, 422, field('/code')],
    ['no code', 'reject', { body: {} }, 422, field('/code')],
    ['no body where one is needed', 'reject', {}, 422, { code: 'invalid' }],
    ['a note too long', 'approve', { body: { note: long } }, 413, tooLong('/note')],
    ['a reason too long', 'cancel', { body: { reason: long } }, 413, tooLong('/reason')],
    ['a text too long', 'note', { body: { text: long } }, 413, tooLong('/text')],
    ['no text', 'note', { body: { text: '' } }, 422, field('/text')],
    ['a note that is no text', 'approve', { body: { note: 1 } }, 422, field('/note')],
    ['a member that is unknown', 'approve', { body: { edits: {} } }, 422, { detail: expect.stringContaining('edits') }],
    ['a list instead of an object', 'approve', { body: [] }, 422, { code: 'invalid' }],
    ['a result that is none', 'outcome', { body: { result: 'maybe' } }, 422, field('/result')],
    ['nobody to escalate to', 'escalate', { body: { to: [] } }, 422, field('/to')],
    ['an answer that says nothing', 'answer', { body: {} }, 422, { code: 'invalid' }],
    ['a code to return that is none', 'return', { body: { code: '' } }, 422, field('/code')],
    ['text that is no JSON', 'approve', { body: '{"note":' }, 400, { code: 'bad-request' }],
    ['a poisoned prototype', 'approve', { body: '{"__proto__":{}}' }, 400, { code: 'bad-request' }],
    ['more than the limit', 'approve', { body: { note: 'a'.repeat(70_000) } }, 413, { code: 'body-too-large' }],
    ['a form', 'approve', { body: 'note=x', type: 'application/x-www-form-urlencoded' }, 415, {}],
    ['plain text, which a foreign page can send', 'approve', { body: '{}', type: 'text/plain' }, 415, {}],
  ];
  test.each(cases)('a request with %s is refused and changes nothing', async (_name, action, asking, status, body) => {
    const id = await desk.hold();
    const answer = await desk.post(`/api/holds/${id}/${action}`, asking);
    expect(answer).toMatchObject({ status, json: body });
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(await versionOf(id)).toBe(1);
  });
});
