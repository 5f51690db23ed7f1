import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { artifact, FORM, openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

describe('an exception', () => {
  test('an exception returns its form verbatim, with no call attached', async () => {
    const id = await desk.handoff('exception');
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
      kind: 'exception',
      action: null,
      diff: null,
      handoff: FORM,
      claims: FORM,
      draft_response: FORM.draft_response,
      options: FORM.options,
      risk: { confidence: 0.4, flags: ['unusual'] },
      you_may: { approve: false, answer: true, reject: true, accept: false, return: false },
    });
  });

  test.each([
    ['a text', 'refund'],
    ['the id of an object', 'wait'],
  ])('an exception is answered with one of its options: %s', async (_name, option) => {
    const id = await desk.handoff('exception');
    const body = { option, data: { invoice: [1, null] }, note: 'the second' };
    expect((await desk.post(`/api/holds/${id}/answer`, { body })).json).toMatchObject({
      status: 'answered',
      decided: { by: 'ben@example.com', note: 'the second' },
      answer: { option, data: { invoice: [1, null] } },
    });
    expect(await desk.store.contents.answer(id)).toEqual({ option, data: { invoice: [1, null] } });
    expect(await desk.post(`/api/holds/${id}/answer`, { who: 'cleo', body })).toMatchObject({
      status: 409,
      json: { decided: { by: 'ben@example.com' } },
    });
  });

  test('an exception is answered with a note alone', async () => {
    const id = await desk.handoff('exception');
    expect((await desk.post(`/api/holds/${id}/answer`, { body: { note: 'call them' } })).json).toMatchObject({
      answer: { option: null, data: null },
    });
  });

  test('an exception is not answered with an option that was not offered', async () => {
    const id = await desk.handoff('exception');
    expect(await desk.post(`/api/holds/${id}/answer`, { body: { option: 'Wait' } })).toMatchObject({
      status: 422,
      json: { detail: expect.stringContaining('refund, wait, escalate_to_legal'), errors: [{ pointer: '/option' }] },
    });
    expect((await desk.store.holds.find(id))?.version).toBe(1);
  });

  test('an answer keeps every digit of its data', async () => {
    const id = await desk.handoff('exception');
    const body = '{"data":{"invoice":12345678901234567890,"price":10.50}}';
    const answer = '"answer":{"option":null,"data":{"invoice":12345678901234567890,"price":10.50}}';
    expect((await desk.post(`/api/holds/${id}/answer`, { body })).text).toContain(answer);
    expect((await desk.get(`/api/holds/${id}`)).text).toContain(answer);
  });

  test('an exception is answered with an option of any length', async () => {
    const option = 'refund and write to them'.repeat(500);
    const id = await desk.handoff('exception', { form: { ...FORM, options: [option] } });
    expect((await desk.post(`/api/holds/${id}/answer`, { body: { option } })).json).toMatchObject({
      answer: { option },
    });
  });

  test('an exception is escalated by an option that says so', async () => {
    const id = await desk.handoff('exception');
    const body = { option: 'escalate_to_legal', note: 'yours' };
    expect((await desk.post(`/api/holds/${id}/answer`, { body })).json).toMatchObject({
      status: 'pending',
      routing: { groups: ['finance', 'legal'], escalations: [{ to: ['legal'], note: 'yours' }] },
    });
    expect((await desk.get(`/api/holds/${id}`, 'dan')).json).toMatchObject({ you_may: { answer: true } });
    const nobody = { option: 'escalate_to_nobody' };
    expect(await desk.post(`/api/holds/${id}/answer`, { body: nobody })).toMatchObject({
      status: 422,
      json: { errors: [{ pointer: '/option' }] },
    });
  });

  test('an exception is answered only by an asked reviewer', async () => {
    const id = await desk.handoff('exception');
    expect((await desk.post(`/api/holds/${id}/answer`, { who: 'dan', body: { note: 'x' } })).status).toBe(403);
  });

  test('an exception is rejected as a call is, but not approved', async () => {
    const id = await desk.handoff('exception');
    expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({
      status: 409,
      json: { code: 'conflict', detail: expect.stringContaining('approve does not apply') },
    });
    expect((await desk.post(`/api/holds/${id}/reject`, { body: { code: 'policy' } })).json).toMatchObject({
      status: 'rejected',
    });
  });
});

describe('a relay', () => {
  const report = artifact('report.txt', 'forty-two');
  const open = (changes: object = {}) => desk.handoff('relay', { artifacts: [report], ...changes });

  test('a relay is accepted, and only its recipient reads its artifacts', async () => {
    const id = await open();
    const path = `/api/holds/${id}/artifacts/report.txt`;
    const { name, type, bytes, sha256 } = report;
    expect((await desk.get(`/api/holds/${id}`)).json).toMatchObject({
      artifacts: [{ name, type, bytes, sha256 }],
      you_may: { accept: true, return: true, answer: false },
    });
    expect(await desk.get(path)).toMatchObject({ status: 403, json: { detail: expect.stringContaining('Claim it') } });
    await desk.post(`/api/holds/${id}/claim`);
    expect(await desk.get(path)).toMatchObject({ status: 200, text: 'forty-two' });
    expect((await desk.get(path, 'cleo')).status).toBe(403);
    desk.now += 300_000;
    expect((await desk.get(path)).status).toBe(403);
    expect((await desk.post(`/api/holds/${id}/accept`, { body: { note: 'mine' } })).json).toMatchObject({
      status: 'accepted',
      decided: { by: 'ben@example.com' },
    });
    const answer = await desk.get(path);
    expect(answer).toMatchObject({ status: 200, text: 'forty-two' });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="report.txt"; filename*=UTF-8''report.txt`,
      'content-security-policy': "default-src 'none'; sandbox",
      'x-content-type-options': 'nosniff',
    });
    expect((await desk.get(path, 'cleo')).status).toBe(403);
    expect((await desk.get(`/api/holds/${id}/artifacts/other.txt`)).status).toBe(404);
  });

  test('a relay is returned with a code', async () => {
    const id = await open();
    expect(
      (await desk.post(`/api/holds/${id}/return`, { body: { code: 'missing-information', note: 'which?' } })).json,
    ).toMatchObject({ status: 'returned', decided: { code: 'missing-information', note: 'which?' } });
    expect((await desk.post(`/api/holds/${id}/accept`, { who: 'cleo' })).status).toBe(409);
  });

  test('a relay to a person is accepted by that person only, and a relay to an agent by no person', async () => {
    const toFay = await open({ to: { person: 'fay@example.com' } });
    expect((await desk.post(`/api/holds/${toFay}/accept`)).status).toBe(403);
    expect((await desk.post(`/api/holds/${toFay}/accept`, { who: 'fay' })).status).toBe(200);
    const toAgent = await open({ to: { agent: 'mail-bot' }, digest: '1'.repeat(64) });
    expect((await desk.get(`/api/holds/${toAgent}`)).json).toMatchObject({
      to: { agent: 'mail-bot' },
      you_may: { accept: false, claim: false },
    });
    expect((await desk.post(`/api/holds/${toAgent}/accept`)).status).toBe(403);
  });

  test.each([
    ['a folder above', '../../etc/passwd', `filename="passwd"; filename*=UTF-8''passwd`],
    ['a backslash', 'a\\b.exe', `filename="b.exe"; filename*=UTF-8''b.exe`],
    [
      'a quote and a line',
      'a"\r\nSet-Cookie: x',
      `filename="a___Set-Cookie__x"; filename*=UTF-8''a%22%0D%0ASet-Cookie%3A%20x`,
    ],
    [
      'letters beyond ASCII',
      'Bericht für José’s.pdf',
      `filename="Bericht_f_r_Jos__s.pdf"; filename*=UTF-8''Bericht%20f%C3%BCr%20Jos%C3%A9%E2%80%99s.pdf`,
    ],
    ['a hidden name', '.bashrc', `filename="_bashrc"; filename*=UTF-8''.bashrc`],
    [
      'characters that RFC 8187 does not know',
      "it's (1)!*.txt",
      `filename="it_s__1___.txt"; filename*=UTF-8''it%27s%20%281%29%21%2a.txt`,
    ],
  ])('an artifact of a relay named with %s is saved under a harmless name', async (_name, name, expected) => {
    const id = await desk.handoff('relay', { artifacts: [artifact(name, '<script>', 'text/html')] });
    await desk.post(`/api/holds/${id}/claim`);
    const { status, headers } = await desk.get(`/api/holds/${id}/artifacts/${encodeURIComponent(name)}`);
    expect(status).toBe(200);
    expect(headers.get('content-disposition')).toBe(`attachment; ${expected}`);
    expect(headers.get('content-type')).toBe('application/octet-stream');
  });
});
