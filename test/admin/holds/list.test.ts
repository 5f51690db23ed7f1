import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDesk, REFUND, requirement, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

type Page = { readonly items: readonly { readonly hold_id: string }[]; readonly next: string | null };

const list = async (query: string, who = 'ben') => (await desk.get(`/api/holds${query}`, who)).json as Page;
const ids = ({ items }: Page) => items.map(({ hold_id }) => hold_id);

describe('the list', () => {
  test('the hold list shows what a queue needs', async () => {
    const id = await desk.hold(REFUND, { requirements: [requirement(['finance'], 2)] });
    await desk.post(`/api/holds/${id}/approve`, { who: 'cleo' });
    desk.now += 300_001;
    expect(await list('')).toEqual({
      items: [
        {
          hold_id: id,
          version: 2,
          revision: 1,
          status: 'pending',
          execution: 'none',
          kind: 'approval',
          level: 2,
          created_at: new Date(desk.now - 300_001).toISOString(),
          sla_at: new Date(desk.now - 1).toISOString(),
          overdue: true,
          expires_at: new Date(desk.now - 300_001 + 1_800_000).toISOString(),
          redeem_by: null,
          decided: null,
          to: null,
          agent: { id: 'billing-bot', owner: 'ana@example.com' },
          action: { system: 'payments', operation: 'createRefund', method: 'POST', path: '/v1/refunds' },
          policy: { rules: ['rules.payments/refund-over-limit'], reason: 'more than 100 USD', trigger: 'rule' },
          shape: expect.stringMatching(/^[0-9a-f]{64}$/),
          claims: { task: 'T-1', confidence: 0.4, flags: ['unusual'] },
          routing: {
            groups: ['finance'],
            quorum: 2,
            approvals: 1,
            demands: [{ groups: ['finance'], quorum: 2, approvals: 1 }],
            escalates_at: new Date(desk.now - 300_001 + 600_000).toISOString(),
            assignee: expect.stringMatching(/^(ben|cleo)@example\.com$/),
            lease: null,
          },
        },
      ],
      next: null,
    });
  });

  test('the hold list pages from the newest hold, even when others are opened meanwhile', async () => {
    const opened: string[] = [];
    for (let amount = 1; amount <= 3; amount++) opened.push(await desk.hold(`{"amount":${amount}}`));
    const first = await list('?limit=2');
    await desk.hold('{"amount":4}');
    const second = await list(`?limit=2&cursor=${first.next}`);
    expect([...ids(first), ...ids(second)]).toEqual(opened.toSorted().toReversed());
    expect(second.next).toBeNull();
  });

  test('the hold list with order=due has what waits, by the clock, page by page', async () => {
    const calm = await desk.hold('{"amount":1}', { respondWithin: 4 * 60_000 });
    const urgent = await desk.hold('{"amount":2}', { respondWithin: 60_000 });
    const late = await desk.hold('{"amount":3}', { respondWithin: 1 });
    const rejected = await desk.hold('{"amount":4}', { respondWithin: 2 });
    await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'other' } });
    const first = await list('?order=due&limit=2');
    const second = await list(`?order=due&limit=2&cursor=${first.next}`);
    expect([ids(first), ids(second), second.next]).toEqual([[late, urgent], [calm], null]);
  });

  test('the hold list refuses the cursor of another order', async () => {
    const id = await desk.hold();
    for (const query of [`?order=due&cursor=${id}`, `?cursor=${desk.now}.${id}`])
      expect((await desk.get(`/api/holds${query}`)).status).toBe(422);
  });

  test('the hold list filters by state, kind, system, agent, group and time', async () => {
    const refund = await desk.hold();
    const rejected = await desk.hold('{"amount":1}');
    await desk.post(`/api/holds/${rejected}/reject`, { body: { code: 'other' } });
    const legal = await desk.hold('{"amount":2}', { requirements: [requirement(['legal'])], respondWithin: 1 });
    const mail = await desk.hold(
      '{"amount":3}',
      {},
      {
        system: 'mail',
        principal: { agent: 'mail-bot', owner: 'ben@example.com', roles: [], onBehalfOf: [] },
      },
    );
    const question = await desk.handoff('exception');
    desk.now += 10;
    expect(ids(await list('?status=rejected'))).toEqual([rejected]);
    expect(ids(await list('?kind=exception'))).toEqual([question]);
    expect(ids(await list('?system=mail'))).toEqual([mail]);
    expect(ids(await list('?agent=mail-bot'))).toEqual([mail]);
    expect(ids(await list('?group=legal'))).toEqual([legal]);
    expect(ids(await list('?overdue=true'))).toEqual([legal]);
    expect(ids(await list('?group=finance&status=pending&system=payments'))).toEqual([refund]);
    expect(ids(await list('?overdue=false'))).toHaveLength(5);
    expect(await list('?agent=nobody')).toEqual({ items: [], next: null });
  });

  test('the hold list with mine=true has holds assigned to or claimed by me or a person I deputise for', async () => {
    const suggested = await desk.hold(REFUND, { requirements: [requirement(['legal'])] });
    const other = await desk.hold('{"amount":1}', { requirements: [requirement(['finance-leads'])] });
    expect(ids(await list('?mine=true', 'dan'))).toEqual([suggested]);
    expect(ids(await list('?mine=true', 'fay'))).toEqual([other]);
    const claimed = await desk.hold('{"amount":2}', { requirements: [requirement(['legal', 'finance'])] });
    await desk.post(`/api/holds/${claimed}/claim`, { who: 'dan' });
    expect(ids(await list('?mine=true', 'dan'))).toEqual([claimed, suggested]);
    const until = desk.now + 1_000;
    await desk.store.delegations.add({ from: 'fay@example.com', to: 'dan@example.com', since: desk.now, until }, 'api');
    expect(ids(await list('?mine=true', 'dan'))).toEqual([claimed, other, suggested]);
  });

  test.each([
    '?status=odd',
    '?kind=odd',
    '?mine=1',
    '?overdue=yes',
    '?limit=0',
    '?limit=1000',
    '?limit=x',
    '?colour=red',
    '?order=odd',
    '?cursor=x',
  ])('the hold list with %s names the parameter that it cannot read', async (query) => {
    const name = query.slice(1).split('=')[0]!;
    expect(await desk.get(`/api/holds${query}`)).toMatchObject({
      status: 422,
      json: { code: 'invalid', detail: expect.stringContaining(name) },
    });
  });
});
