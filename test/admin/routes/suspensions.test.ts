import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
afterEach(async () => {
  await desk.close();
});

const who = 'olga';
const suspended = () => ({ by: 'olga@example.com', at: new Date(desk.now).toISOString(), reason: 'runs wild' });

test('the agents of the configuration are listed, without their tokens', async () => {
  const same = { suspended: null, day_usage: null };
  expect((await desk.get('/api/agents')).json).toEqual({
    items: [
      { id: 'billing-bot', owner: 'ana@example.com', roles: ['payer'], systems: ['payments'], ...same },
      { id: 'mail-bot', owner: 'ben@example.com', roles: [], systems: ['mail'], ...same },
    ],
    next: null,
  });
});

test('what budgets count of an agent is listed with it, each unit by itself', async () => {
  await desk.close();
  const used = { calls: 3, blocked: 1, held: 0, cost: { EUR: 2.5, tokens: 900 } };
  desk = await openDesk({ dayUsage: (agent) => (agent === 'billing-bot' ? used : null) });
  expect((await desk.get('/api/agents')).json).toMatchObject({
    items: [
      {
        day_usage: {
          calls: 3,
          costs: [
            { unit: 'EUR', amount: 2.5 },
            { unit: 'tokens', amount: 900 },
          ],
        },
      },
      { day_usage: null },
    ],
  });
});

test('an operator suspends an agent, whose open holds are superseded, and resumes it', async () => {
  const id = await desk.hold();
  const answer = await desk.post('/api/agents/billing-bot/suspend', { who, body: { reason: 'runs wild' } });
  expect(answer).toMatchObject({ status: 200, json: { id: 'billing-bot', suspended: suspended(), superseded: 1 } });
  expect((await desk.get('/api/agents')).json).toMatchObject({
    items: [{ suspended: suspended() }, { suspended: null }],
  });
  expect(await desk.post(`/api/holds/${id}/approve`)).toMatchObject({
    status: 409,
    json: { decided: { status: 'superseded' } },
  });
  expect((await desk.post('/api/agents/billing-bot/resume', { who })).json).toMatchObject({ suspended: null });
});

test('an operator suspends a system', async () => {
  await desk.hold();
  const answer = await desk.post('/api/systems/payments/suspend', { who });
  expect(answer.json).toMatchObject({ id: 'payments', suspended: { reason: null }, superseded: 1 });
  expect((await desk.get('/api/systems')).json).toMatchObject({
    items: [
      { id: 'payments', suspended: { by: 'olga@example.com' } },
      { id: 'mail', suspended: null },
    ],
  });
  expect((await desk.get('/api/agents')).json).toMatchObject({ items: [{ suspended: null }, { suspended: null }] });
  expect((await desk.post('/api/systems/payments/resume', { who })).json).toMatchObject({ suspended: null });
});

test('suspending or resuming again changes nothing', async () => {
  await desk.post('/api/agents/billing-bot/suspend', { who, body: { reason: 'runs wild' } });
  const first = suspended();
  desk.now += 1_000;
  const again = await desk.post('/api/agents/billing-bot/suspend', { who, body: { reason: 'still' } });
  expect(again).toMatchObject({ status: 200, json: { suspended: first, superseded: 0 } });
  for (let times = 0; times < 2; times++) {
    expect(await desk.post('/api/agents/billing-bot/resume', { who })).toMatchObject({ status: 200 });
  }
});

test('a suspension is answered only once every worker applies it', async () => {
  const known: string[] = [];
  await desk.close();
  desk = await openDesk({
    suspensions: {
      list: async () => [],
      async suspend({ kind, name }) {
        await new Promise((resolve) => setImmediate(resolve));
        known.push(`${kind} ${name}`);
        return { superseded: 0 };
      },
      resume: async () => true,
      stop: async () => {},
      lift: async () => {},
    },
  });
  await desk.post('/api/agents/billing-bot/suspend', { who });
  expect(known).toEqual(['agent billing-bot']);
});

test('only operators may suspend, and an unknown agent or system is 404', async () => {
  for (const path of ['agents/billing-bot', 'systems/payments']) {
    for (const action of ['suspend', 'resume']) {
      expect(await desk.post(`/api/${path}/${action}`)).toMatchObject({
        status: 403,
        json: { code: 'not-permitted', detail: expect.stringContaining('does not have the role operator') },
      });
    }
  }
  for (const path of ['agents/nobody', 'systems/nothing', 'agents/payments', 'agents/__proto__']) {
    expect((await desk.post(`/api/${path}/suspend`, { who })).status).toBe(404);
  }
  expect(await desk.store.suspensions.list()).toEqual([]);
});

test('a suspension with a reason that is not text or too long is refused', async () => {
  const post = (body: object) => desk.post('/api/agents/billing-bot/suspend', { who, body });
  expect(await post({ reason: 1 })).toMatchObject({ status: 422, json: { errors: [{ pointer: '/reason' }] } });
  expect(await post({ reason: 'a'.repeat(4001) })).toMatchObject({ status: 413, json: { code: 'too-long' } });
});
