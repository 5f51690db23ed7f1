import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, refund, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const BODY = '{"amount":50000,"iban":"DE-body-secret"}';
const onRecord = { operation: 'createRefund', path: '/v1/[masked]', resource: 'refunds' };

/** A held call whose body, query, header and path are secret. */
function secretCall(): Promise<string> {
  const { call } = refund(BODY);
  const secret = {
    ...call,
    target: '/v1/path-secret?q=query-secret',
    headers: [...call.headers, 'x-a', 'header-secret'],
  };
  return desk.hold(BODY, {}, { call: secret, path: '/v1/path-secret', onRecord });
}

test('a person with the role analyst alone sees nothing of what is in a held call, nor its path unmasked', async () => {
  const id = await secretCall();
  const { status, text, json } = await desk.get(`/api/holds/${id}`, 'eve');
  expect(status).toBe(200);
  expect(text).not.toMatch(/secret|50000|safe!|Dear/);
  expect(json).toMatchObject({
    action: {
      url: '/payments/v1/[masked]',
      headers: {},
      body: null,
      body_text: null,
      complete: false,
      missing: "Only reviewers, operators and the agent's owner may read what is in a call.",
    },
    diff: { proposed: null, edited: null },
    draft_response: null,
    claims: {},
    options: [],
  });
  const list = await desk.get('/api/holds', 'eve');
  expect(list.text).not.toContain('path-secret');
  expect(list.json).toMatchObject({ items: [{ action: { path: '/v1/[masked]' } }] });
});

test('a hold that an earlier version stored is shown to an analyst without its path', async () => {
  const id = await desk.hold(BODY, {}, { path: '/v1/path-secret' });
  expect((await desk.get(`/api/holds/${id}`, 'eve')).text).not.toMatch(/path-secret|body-secret/);
  expect((await desk.get('/api/holds', 'eve')).text).not.toContain('path-secret');
});

test.each(['ben', 'dan', 'olga', 'ana'])(
  'a reviewer, an operator and the owner see the whole call: %s',
  async (who) => {
    const id = await secretCall();
    const { text, json } = await desk.get(`/api/holds/${id}`, who);
    for (const part of ['body-secret', 'path-secret', 'query-secret']) expect(text).toContain(part);
    expect(json).toMatchObject({ action: { complete: true, body_text: BODY } });
  },
);

test('an analyst sees neither the form of a handoff nor its answer', async () => {
  const id = await desk.handoff('exception');
  expect((await desk.get(`/api/holds/${id}`, 'eve')).json).toMatchObject({ handoff: null, claims: {}, options: [] });
  const body = { data: { iban: 'answer-secret' }, note: 'noted' };
  expect((await desk.post(`/api/holds/${id}/answer`, { body })).status).toBe(200);
  expect((await desk.get(`/api/holds/${id}`)).text).toContain('answer-secret');
  const { text, json } = await desk.get(`/api/holds/${id}`, 'eve');
  expect(text).not.toContain('answer-secret');
  expect(json).toMatchObject({ status: 'answered', answer: null });
});
