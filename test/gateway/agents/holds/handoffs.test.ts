import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HoldCommand } from '../../../../gateway/domain/hold-command.ts';
import { isRefusal } from '../../../../gateway/domain/hold-command.ts';
import { MOST_OPEN } from '../../../../gateway/holds/store/handoff-limit.ts';
import { BEN, DORA, OTHER_TOKEN, startDataPlane, TOKEN, type DataPlane } from '../../../helpers/data-plane.ts';
import { startUpstream, type Upstream } from '../../../helpers/upstream.ts';

const REGO = `package rules.payments

hold contains {"rule": "pays", "reviewers": ["finance"]}
`;

let upstream: Upstream;
let plane: DataPlane;
const now = { skew: 0 };

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({
    systems: { payments: { upstream: upstream.url, wait: '20s' } },
    rego: { 'payments.rego': REGO },
    clock: () => Date.now() + now.skew,
  });
});

afterAll(async () => {
  await plane?.close();
  await upstream?.close();
});

type View = Record<string, unknown> & { hold_id: string };
type Sent = { readonly token?: string; readonly headers?: Record<string, string>; readonly body?: string | object };

function request(method: string, path: string, { token = TOKEN, headers = {}, body }: Sent = {}): Promise<Response> {
  return fetch(`${plane.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
}

const get = (path: string, token = TOKEN) => request('GET', path, { token });
const open = (body: string | object, headers: Record<string, string> = {}) =>
  request('POST', '/-/holds', { body, headers });
const view = async (answer: Response | Promise<Response>) => (await (await answer).json()) as View;

async function apply(id: string, command: HoldCommand): Promise<void> {
  const result = await plane.store.holds.apply(id, command);
  if (isRefusal(result)) throw new Error(result.detail);
}

const answering = { type: 'answer', by: BEN, channel: 'api', revision: 1 } as const;
const file = (name: string, text: string, more: object = {}) => ({
  name,
  type: 'text/plain',
  content: Buffer.from(text).toString('base64'),
  ...more,
});
const relay = (more: object = {}) =>
  open({ to: { agent: 'other-bot' }, task: randomUUID(), artifacts: [file('notes.txt', 'forty-two')], ...more });

describe('exceptions: an agent asks people for help', () => {
  test('an agent that asks for help gets a handle, and later the answer with option, data and note', async () => {
    const options = ['refund', { id: 'wait', label: 'Wait a day' }];
    const opened = await open({ task: 'T-1', summary: 'The customer wants both.', options, to: { group: 'finance' } });
    expect(opened.status).toBe(202);
    const { hold_id, ...told } = await view(opened);
    expect(opened.headers.get('location')).toBe(`/-/holds/${hold_id}`);
    expect(opened.headers.get('retry-after')).toBe('5');
    expect(opened.headers.get('holdpoint-decision')).toMatch(/^dec_/);
    expect(told).toMatchObject({ kind: 'exception', status: 'pending', execution: 'none', to: { group: 'finance' } });
    expect(told).not.toHaveProperty('answer');

    const answer = { option: 'refund', data: { most: 100 } };
    await apply(hold_id, { ...answering, answer, note: 'but keep it quiet' });
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({
      status: 'answered',
      answer: { option: 'refund', data: { most: 100 }, note: 'but keep it quiet' },
    });
  });

  test('an agent that asks for help may wait for the answer on the same request', async () => {
    const task = randomUUID();
    const waiting = open({ task, summary: 'now?' }, { prefer: 'wait=30' });
    const find = async () =>
      (await plane.store.holds.list({ kind: 'exception', limit: 50 })).items.find((one) => one.claims.task === task);
    await expect.poll(find).toBeDefined();
    await apply((await find())!.id, { ...answering, answer: { option: null, data: null }, note: 'yes' });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    expect(await view(answer)).toMatchObject({ status: 'answered', answer: { option: null, data: null, note: 'yes' } });
  });

  test('an agent reads the code and note with which a reviewer rejects its exception', async () => {
    const { hold_id } = await view(open({ summary: 'please' }));
    await apply(hold_id, {
      type: 'reject',
      by: BEN,
      channel: 'api',
      revision: 1,
      code: 'missing-information',
      note: 'who?',
    });
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({
      status: 'rejected',
      code: 'missing-information',
      note: 'who?',
    });
  });

  test('an identical request finds the same hold, and another form with the same Idempotency-Key is refused', async () => {
    const form = { task: randomUUID(), summary: 'twice' };
    const [first, second] = [await view(open(form)), await view(open(form))];
    expect(second.hold_id).toBe(first.hold_id);
    const key = { 'idempotency-key': randomUUID() };
    const keyed = await view(open({ ...form, task: randomUUID() }, key));
    expect(keyed.hold_id).not.toBe(first.hold_id);
    const other = await open({ ...form, task: randomUUID() }, key);
    expect(other.status).toBe(422);
    expect(await view(other)).toMatchObject({ code: 'key-reused' });
  });

  test('a handoff form keeps every member and digit', async () => {
    const form =
      '{"summary":"s","draft_response":{"amount":12345678901234567890,"rate":1.50},"own":[1e2,null,"é"],"options":[{"id":"a"}]}';
    const { hold_id } = await view(open(form));
    expect(JSON.stringify(await plane.store.contents.handoff(hold_id))).toBe(form);
  });

  test('an exception is held under the terms of handoffs, for the time that the agent names', async () => {
    const { hold_id } = await view(open({ summary: randomUUID(), to: { group: 'legal' } }));
    const hold = (await plane.store.holds.find(hold_id))!;
    expect(hold.terms).toMatchObject({ level: 2, requirements: [{ groups: ['legal'], quorum: 1 }], onExpiry: 'block' });
    expect([hold.expiresAt - hold.createdAt, hold.slaAt - hold.createdAt]).toEqual([24 * 3_600_000, 4 * 3_600_000]);
    const sooner = await view(open({ summary: randomUUID(), expires_in: '1h' }));
    const soon = (await plane.store.holds.find(sooner.hold_id))!;
    expect([soon.expiresAt - soon.createdAt, soon.terms.requirements]).toEqual([3_600_000, []]);
  });

  test('an agent may cancel its exception, and no other agent sees it', async () => {
    const { hold_id } = await view(open({ summary: randomUUID() }));
    expect((await get(`/-/holds/${hold_id}`, OTHER_TOKEN)).status).toBe(404);
    expect((await request('DELETE', `/-/holds/${hold_id}`, { token: OTHER_TOKEN })).status).toBe(404);
    expect(await view(request('DELETE', `/-/holds/${hold_id}`))).toMatchObject({ status: 'cancelled' });
  });
});

describe('relays: an agent hands work to another agent', () => {
  test('a relay is claimed, read and accepted by its recipient, and its sender sees the progress', async () => {
    const content = randomUUID();
    const sha256 = createHash('sha256').update(content).digest('hex');
    const form = { task: 'T-9', summary: 'book it', confidence: 0.7 };
    const opened = await view(relay({ ...form, artifacts: [file('übersicht 1.txt', content, { sha256 })] }));
    const { hold_id } = opened;
    expect(opened).toMatchObject({ kind: 'relay', state: 'waiting', to: { agent: 'other-bot' } });

    const inbox = (await (await get('/-/holds?to=me&status=pending', OTHER_TOKEN)).json()) as {
      items: View[];
      next: unknown;
    };
    expect(inbox.items.find((one) => one.hold_id === hold_id)).toMatchObject({ from: 'billing-bot', state: 'waiting' });
    const artifact = { name: 'übersicht 1.txt', type: 'text/plain', bytes: content.length, sha256 };
    expect(await view(get(`/-/holds/${hold_id}`, OTHER_TOKEN))).toMatchObject({ handoff: form, artifacts: [artifact] });

    const path = `/-/holds/${hold_id}/artifacts/${encodeURIComponent('übersicht 1.txt')}`;
    expect(await view(get(path, OTHER_TOKEN))).toMatchObject({ code: 'not-yours' });
    const claimed = await view(request('POST', `/-/holds/${hold_id}/claim`, { token: OTHER_TOKEN }));
    expect(claimed).toMatchObject({ state: 'in-review', claimed_until: expect.any(String) });
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({ state: 'in-review', status: 'pending' });

    const download = await get(path, OTHER_TOKEN);
    expect([download.status, await download.text()]).toEqual([200, content]);
    expect(download.headers.get('content-disposition')).toBe(
      `attachment; filename="_bersicht_1.txt"; filename*=UTF-8''%C3%BCbersicht%201.txt`,
    );
    const digest = `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`;
    expect([download.headers.get('repr-digest'), download.headers.get('x-content-type-options')]).toEqual([
      digest,
      'nosniff',
    ]);
    expect(await view(get(`/-/holds/${hold_id}/artifacts`, OTHER_TOKEN))).toEqual({ items: [artifact], next: null });

    const accepted = await request('POST', `/-/holds/${hold_id}/accept`, {
      token: OTHER_TOKEN,
      body: { note: 'on it' },
    });
    expect([accepted.status, await view(accepted)]).toMatchObject([200, { status: 'accepted', state: 'accepted' }]);
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({ state: 'accepted', note: 'on it' });
    expect((await get(path, OTHER_TOKEN)).status).toBe(200);
    expect(
      (await request('POST', `/-/holds/${hold_id}/return`, { token: OTHER_TOKEN, body: { code: 'other' } })).status,
    ).toBe(409);
  });

  test('a recipient can return a relay with a code and a note that its sender reads', async () => {
    const { hold_id } = await view(relay());
    const returned = { token: OTHER_TOKEN, body: { code: 'missing-information', note: 'which customer?' } };
    expect((await request('POST', `/-/holds/${hold_id}/return`, returned)).status).toBe(200);
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({
      status: 'returned',
      state: 'returned',
      code: 'missing-information',
      note: 'which customer?',
    });
    expect((await get(`/-/holds/${hold_id}/artifacts`, OTHER_TOKEN)).status).toBe(403);
  });

  test('a sender cannot take its own relay, and a relay does not exist for other agents', async () => {
    const { hold_id } = await view(relay());
    for (const [method, step] of [
      ['POST', 'claim'],
      ['POST', 'accept'],
      ['GET', 'artifacts'],
      ['GET', 'artifacts/notes.txt'],
    ] as const) {
      const own = await request(method, `/-/holds/${hold_id}/${step}`);
      expect([own.status, await view(own)]).toMatchObject([403, { code: 'not-yours' }]);
    }
    const toPeople = await view(open({ kind: 'relay', task: randomUUID(), to: { person: 'dora@example.com' } }));
    for (const path of ['', '/artifacts'])
      expect((await get(`/-/holds/${toPeople.hold_id}${path}`, OTHER_TOKEN)).status).toBe(404);
    expect((await request('POST', `/-/holds/${toPeople.hold_id}/claim`, { token: OTHER_TOKEN })).status).toBe(404);
    await apply(toPeople.hold_id, { type: 'accept', by: DORA, channel: 'api', revision: 1, note: null });
    expect(await view(get(`/-/holds/${toPeople.hold_id}`))).toMatchObject({ state: 'accepted' });
  });

  test('the artifacts of a relay can be read only while the claim is in force', async () => {
    const { hold_id } = await view(relay());
    const claim = `/-/holds/${hold_id}/claim`;
    await request('POST', claim, { token: OTHER_TOKEN });
    expect((await get(`/-/holds/${hold_id}/artifacts`, OTHER_TOKEN)).status).toBe(200);
    now.skew += 6 * 60_000;
    expect((await get(`/-/holds/${hold_id}/artifacts`, OTHER_TOKEN)).status).toBe(403);
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({ state: 'waiting' });
    await request('POST', claim, { token: OTHER_TOKEN });
    expect(await view(request('DELETE', claim, { token: OTHER_TOKEN }))).toMatchObject({ state: 'waiting' });
    expect((await get(`/-/holds/${hold_id}/artifacts`, OTHER_TOKEN)).status).toBe(403);
  });

  test('relays are listed page by page, newest first', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 52; i++) ids.push((await view(relay({ artifacts: [] }))).hold_id);
    const first = (await (await get('/-/holds?to=me&status=pending', OTHER_TOKEN)).json()) as {
      items: View[];
      next: string;
    };
    expect(first.items.map(({ hold_id }) => hold_id)).toEqual(ids.toReversed().slice(0, 50));
    const second = (await (
      await get(`/-/holds?to=me&status=pending&cursor=${encodeURIComponent(first.next)}`, OTHER_TOKEN)
    ).json()) as { items: View[] };
    expect(second.items.slice(0, 2).map(({ hold_id }) => hold_id)).toEqual([ids[1], ids[0]]);
    expect(((await (await get('/-/holds?to=me')).json()) as { items: View[] }).items).toEqual([]);
  });
});

describe('bad handoffs', () => {
  const big = Buffer.alloc(2 ** 21 + 1).toString('base64');
  test.each<[string, string | object, number, string, RegExp]>([
    ['a body that is no JSON', '{"task":', 422, 'bad-handoff', /not JSON/],
    ['a body nested beyond reading', '['.repeat(200_000), 422, 'bad-handoff', /not JSON/],
    ['a body that is no object', '[1]', 422, 'bad-handoff', /the body/],
    ['a member of another type', { task: 7 }, 422, 'bad-handoff', /^task: /],
    ['a confidence above one', { confidence: 2 }, 422, 'bad-handoff', /^confidence: /],
    ['an unknown group', { to: { group: 'nobody' } }, 422, 'bad-handoff', /^to\.group: /],
    ['an unknown person', { to: { person: 'nobody' } }, 422, 'bad-handoff', /^to\.person: /],
    ['an unknown agent', { to: { agent: 'nobody' } }, 422, 'bad-handoff', /^to\.agent: /],
    ['two recipients', { to: { group: 'legal', agent: 'other-bot' } }, 422, 'bad-handoff', /^to: /],
    ['itself as recipient', { to: { agent: 'billing-bot' } }, 422, 'bad-handoff', /^to\.agent: /],
    ['an agent as the one to decide', { kind: 'exception', to: { agent: 'other-bot' } }, 422, 'bad-handoff', /^to: /],
    ['a time too far away', { expires_in: '8d' }, 422, 'bad-handoff', /^expires_in: /],
    ['a name with a path', { artifacts: [file('../etc/passwd', 'x')] }, 422, 'bad-handoff', /^artifacts\.0\.name: /],
    ['a name with a line feed', { artifacts: [file('a\nb', 'x')] }, 422, 'bad-handoff', /^artifacts\.0\.name: /],
    ['a name that is a folder', { artifacts: [file('..', 'x')] }, 422, 'bad-handoff', /^artifacts\.0\.name: /],
    ['a name twice', { artifacts: [file('a', 'x'), file('A', 'y')] }, 422, 'bad-handoff', /^artifacts\.1\.name: /],
    [
      'a type that ends the header',
      { artifacts: [file('a', 'x', { type: 'a/b\r\nx: y' })] },
      422,
      'bad-handoff',
      /^artifacts\.0\.type: /,
    ],
    [
      'content that is no base64',
      { artifacts: [{ name: 'a', type: 'a/b', content: '!' }] },
      422,
      'bad-handoff',
      /^artifacts\.0\.content: /,
    ],
    [
      'another checksum',
      { artifacts: [file('a', 'x', { sha256: '0'.repeat(64) })] },
      422,
      'bad-handoff',
      /^artifacts\.0\.sha256: /,
    ],
    ['a form over 64 KiB', { summary: 'x'.repeat(65 * 1024) }, 413, 'handoff-too-large', /65536/],
    [
      'artifacts over 4 MiB',
      { artifacts: ['a', 'b'].map((name) => ({ name, type: 'a/b', content: big })) },
      413,
      'handoff-too-large',
      /4194304/,
    ],
    [
      'too many artifacts',
      { artifacts: Array.from({ length: 17 }, (_, i) => file(`${i}`, 'x')) },
      413,
      'handoff-too-large',
      /16/,
    ],
    ['a body beyond all limits', 'x'.repeat(7 * 2 ** 20), 413, 'handoff-too-large', /./],
  ])(
    'a handoff with %s is refused, names the wrong member and opens no hold',
    async (_what, body, status, code, detail) => {
      const before = (await plane.store.holds.list({ limit: 1 })).items[0]?.id;
      const answer = await open(body);
      expect(answer.status).toBe(status);
      expect(await view(answer)).toMatchObject({ code, detail: expect.stringMatching(detail) });
      expect((await plane.store.holds.list({ limit: 1 })).items[0]?.id).toBe(before);
    },
  );

  test('a return is refused without a code, with an unknown code, or with a note that is too long', async () => {
    const { hold_id } = await view(relay());
    for (const [body, status, code] of [
      [{}, 422, 'bad-handoff'],
      [{ code: 'no' }, 422, 'bad-handoff'],
      [{ code: 'other', note: 'x'.repeat(5_000) }, 413, 'handoff-too-large'],
      ['{', 422, 'bad-handoff'],
    ] as const) {
      const answer = await request('POST', `/-/holds/${hold_id}/return`, { token: OTHER_TOKEN, body });
      expect([answer.status, await view(answer)]).toMatchObject([status, { code }]);
    }
    expect(await plane.store.holds.find(hold_id)).toMatchObject({ status: 'pending' });
  });

  test('an agent that lists anything but the relays sent to it is refused', async () => {
    for (const query of ['', '?to=you', '?to=me&status=nonsense'])
      expect((await get(`/-/holds${query}`)).status).toBe(400);
  });
});

describe('holds of calls', () => {
  async function held(headers: Record<string, string> = {}): Promise<View> {
    return view(
      request('POST', '/payments/pay', {
        body: { amount: 500, purpose: randomUUID() },
        headers: { prefer: 'wait=0', ...headers },
      }),
    );
  }

  test('the hold of a call tells its agent that a person took it over, and the result', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const body = { amount: 500, purpose: randomUUID() };
    const again = () => request('POST', '/payments/pay', { body, headers: { prefer: 'wait=0', ...key } });
    const { hold_id } = await view(again());
    await apply(hold_id, { type: 'take-over', by: BEN, channel: 'api', revision: 1, note: 'I call them' });
    expect(await view(again())).toMatchObject({ code: 'taken-over', note: 'I call them' });
    const done = { result: 'executed', reference: 'inv-7', note: 'done by phone' } as const;
    await apply(hold_id, { type: 'outcome', by: BEN, channel: 'api', revision: 1, ...done });
    const answer = await again();
    expect(answer.status).toBe(403);
    expect(await view(answer)).toMatchObject({ code: 'taken-over', outcome: { ...done, at: expect.any(String) } });
    expect(await view(get(`/-/holds/${hold_id}`))).toMatchObject({ status: 'taken-over', outcome: done });
  });

  test('the view of a hold has no edit, recipient or answer when there is none', async () => {
    const { hold_id } = await held();
    const shown = await view(get(`/-/holds/${hold_id}`));
    expect(shown).toMatchObject({ kind: 'approval', status: 'pending' });
    for (const member of ['edited', 'to', 'state', 'answer', 'outcome']) expect(shown).not.toHaveProperty(member);
  });
});

describe('the handoffs of one agent are limited', () => {
  // An hour that no other test uses.
  beforeAll(() => void (now.skew += 48 * 3_600_000));

  const ask = (token = TOKEN) => request('POST', '/-/holds', { token, body: { task: randomUUID() } });
  async function openUntilRefused(): Promise<{ opened: string[]; refused: Response }> {
    const opened: string[] = [];
    for (;;) {
      const answer = await ask();
      if (answer.status === 429) return { opened, refused: answer };
      opened.push((await view(answer)).hold_id);
    }
  }

  test('to so many that wait, with 429 and Retry-After, until one is settled; other agents are not affected', async () => {
    const { opened, refused } = await openUntilRefused();
    expect(opened.length).toBeLessThanOrEqual(MOST_OPEN);
    expect(opened.length).toBeGreaterThan(MOST_OPEN / 2);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await view(refused)).toMatchObject({ code: 'too-many-handoffs', retry_after: 60 });
    expect((await ask(OTHER_TOKEN)).status).toBe(202);
    const { values } = await plane.registry.getSingleMetric('holdpoint_limited_total')!.get();
    expect(values).toEqual([{ labels: { code: 'too-many-handoffs' }, value: 1 }]);
    expect((await request('DELETE', `/-/holds/${opened[0]}`)).status).toBe(200);
    expect((await ask()).status).toBe(202);
    expect((await ask()).status).toBe(429);
    for (const id of opened) await request('DELETE', `/-/holds/${id}`);
  });
});
