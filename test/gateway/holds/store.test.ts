import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isRefusal } from '../../../gateway/domain/hold.ts';
import type { Hold, HoldCommand, HoldRefusal, HoldStore } from '../../../gateway/domain/hold.ts';
import { ANSWER_KEPT, SETTLED_KEPT } from '../../../gateway/holds/retention.ts';
import { openHoldStore, type OwnedHoldStore } from '../../../gateway/holds/store.ts';
import { createHoldTimers } from '../../../gateway/holds/timers.ts';
import { draft, KEY, reviewer, TERMS } from './draft.ts';

let folder: string;
let file: string;
let now: number;
let stores: HoldStore[];
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdpoint-store-'));
  file = join(folder, 'data', 'holds.sqlite');
  now = Date.now();
  stores = [];
  children = [];
});
afterEach(async () => {
  await Promise.all(children.map(async (child) => child.kill() && (await once(child, 'exit'))));
  await Promise.all(stores.map((store) => store.close()));
  await rm(folder, { recursive: true });
});

async function open(key = KEY): Promise<OwnedHoldStore> {
  const store = await openHoldStore({ file, key, node: 'test', clock: () => now, pollInterval: 5 });
  stores.push(store);
  return store;
}

async function startChild(): Promise<ChildProcess> {
  const child = fork(join(import.meta.dirname, 'store-child.ts'), [file], { execArgv: [] });
  children.push(child);
  await once(child, 'message');
  return child;
}

async function tell<T>(child: ChildProcess, task: object): Promise<T> {
  const answer = once(child, 'message');
  child.send(task);
  const [result] = await answer;
  return result as T;
}

const approve = (id = 'ben@example.com', revision = 1): HoldCommand => ({
  type: 'approve',
  by: reviewer(id),
  channel: 'api',
  revision,
  note: 'fine',
});
const reject: HoldCommand = {
  type: 'reject',
  by: reviewer('ben@example.com'),
  channel: 'api',
  revision: 1,
  code: 'other',
  note: null,
};
const release = { type: 'release', attempt: 'att_1', by: 'worker-0', policyRevision: 'p1' } as const;
const response = {
  status: 201,
  headers: ['Content-Type', 'application/json'],
  body: Buffer.from('{"id":"re_marker"}'),
  complete: true,
};

async function must(result: Promise<Hold | HoldRefusal>): Promise<Hold> {
  const hold = await result;
  if (isRefusal(hold)) throw new Error(hold.detail);
  return hold;
}

async function eventTypes(store: HoldStore): Promise<string[]> {
  return (await store.outbox.read(0, 1000)).map(({ event }) => event.type);
}

describe('a hold', () => {
  test('is found again whole, by another connection, after the first has closed', async () => {
    const first = await open();
    const wanted = draft(500);
    const { hold, attached } = await first.open(wanted);
    await first.close();
    const second = await open();
    expect(attached).toBe(false);
    expect(await second.find(hold.id)).toEqual(hold);
    expect(await second.call(hold.id)).toEqual(wanted.call);
    expect(hold.expiresAt).toBe(now + TERMS.expiresIn);
  });

  test('goes from approval to its answer, and each step is in the outbox', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    await must(store.apply(hold.id, approve()));
    const releasing = await must(store.apply(hold.id, release));
    expect(await store.releasing()).toEqual([releasing]);
    await must(store.apply(hold.id, { type: 'executed', attempt: 'att_1', response }));
    expect(await store.response(hold.id)).toEqual(response);
    expect(await store.releasing()).toEqual([]);
    expect(await eventTypes(store)).toEqual(
      'hold.opened hold.voted hold.approved hold.releasing hold.executed'.split(' '),
    );
  });

  test('is attributed in every event', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    now += 5000;
    await store.apply(hold.id, approve());
    const [opened, , approved] = (await store.outbox.read(0, 10)).map(({ event }) => event);
    const whose = {
      node: 'test',
      hold_id: hold.id,
      call_id: hold.callId,
      agent: 'billing-bot',
      owner: 'ana@example.com',
      system: 'payments',
      operation: 'createRefund',
      rules: ['rules.payments/refund-over-limit'],
      policy_revision: 'p1',
      trace_id: 'a'.repeat(32),
    };
    expect(opened).toMatchObject({ ...whose, type: 'hold.opened', layer: 'decide', actor_kind: 'gateway' });
    expect(approved).toMatchObject({ ...whose, actor: 'ben@example.com', channel: 'api', held_ms: 5000 });
    expect(JSON.stringify(opened)).not.toContain('agent-secret');
  });

  test('is refused nothing but what does not exist when it does not exist', async () => {
    const store = await open();
    expect(await store.find('hold_none')).toBeNull();
    expect(await store.call('hold_none')).toBeNull();
    expect(await store.response('hold_none')).toBeNull();
    expect(await store.apply('hold_none', approve())).toMatchObject({ refused: 'not-found' });
  });

  test('that was refused a change is as it was, and nothing is in the outbox', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    expect(await store.apply(hold.id, approve('ana@example.com'))).toMatchObject({ refused: 'forbidden' });
    expect(await store.find(hold.id)).toEqual(hold);
    expect(await eventTypes(store)).toEqual(['hold.opened']);
  });
});

describe('an identical call', () => {
  test('re-attaches while the hold is open and opens another once it is settled', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    expect(await store.open(draft(500))).toEqual({ hold, attached: true });
    await store.apply(hold.id, approve());
    expect(await store.open(draft(500))).toMatchObject({ attached: true, hold: { id: hold.id, status: 'approved' } });
    await store.apply(hold.id, release);
    expect(await store.open(draft(500))).toMatchObject({ attached: true, hold: { execution: 'releasing' } });
    await store.apply(hold.id, { type: 'executed', attempt: 'att_1', response });
    const again = await store.open(draft(500));
    expect(again.attached).toBe(false);
    expect(again.hold.id).not.toBe(hold.id);
  });

  test('opens one hold however many come at once, over several connections', async () => {
    const [one, other] = [await open(), await open()];
    const opened = await Promise.all(
      Array.from({ length: 40 }, (_none, index) => (index % 2 ? one : other).open(draft(500))),
    );
    expect(new Set(opened.map(({ hold }) => hold.id)).size).toBe(1);
    expect(opened.filter(({ attached }) => !attached)).toHaveLength(1);
  });

  test('of another agent is another hold', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    const principal = { ...hold.principal, agent: 'other-bot' };
    expect((await store.open(draft(500, { principal }))).attached).toBe(false);
  });

  test('does not re-attach to what the clock has ended although no timer has fired', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    now = hold.expiresAt;
    expect((await store.open(draft(500))).attached).toBe(false);
    expect((await store.find(hold.id))?.status).toBe('expired');
    expect(await eventTypes(store)).toEqual(['hold.opened', 'hold.expired', 'hold.opened']);
  });

  test('that asks for a handle gives the hold one', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    expect(await store.open(draft(500, { handle: true }))).toMatchObject({ hold: { id: hold.id, handle: true } });
    await store.apply(hold.id, approve());
    expect(await store.releasable()).toMatchObject([{ id: hold.id }]);
  });
});

describe('an Idempotency-Key', () => {
  const keyed = (amount: number) => draft(amount, { idempotencyKey: 'k1' });

  test('with another payload is refused, open or settled', async () => {
    const store = await open();
    const { hold } = await store.open(keyed(500));
    await expect(store.open(keyed(501))).rejects.toMatchObject({ code: 'key-reused' });
    await store.apply(hold.id, reject);
    await expect(store.open(keyed(501))).rejects.toMatchObject({ code: 'key-reused' });
    expect((await store.list({ limit: 10 })).items).toHaveLength(1);
  });

  test('finds its rejection for a day, then asks again', async () => {
    const store = await open();
    const { hold } = await store.open(keyed(500));
    await store.apply(hold.id, reject);
    now += ANSWER_KEPT - 1;
    expect(await store.open(keyed(500))).toMatchObject({ attached: true, hold: { id: hold.id, status: 'rejected' } });
    now += 2;
    expect((await store.open(keyed(500))).attached).toBe(false);
  });

  test('finds the stored answer', async () => {
    const store = await open();
    const { hold } = await store.open(keyed(500));
    await store.apply(hold.id, approve());
    await store.apply(hold.id, release);
    await store.apply(hold.id, { type: 'executed', attempt: 'att_1', response });
    expect(await store.open(keyed(500))).toMatchObject({
      attached: true,
      hold: { id: hold.id, execution: 'executed' },
    });
    expect(await store.response(hold.id)).toEqual(response);
  });

  test('asks again where nothing was sent and nobody said no', async () => {
    const store = await open();
    const { hold } = await store.open(keyed(500));
    await store.apply(hold.id, approve());
    await store.apply(hold.id, release);
    await store.apply(hold.id, { type: 'failed', attempt: 'att_1', reason: 'refused' });
    expect((await store.open(keyed(500))).attached).toBe(false);
  });

  test('of another agent means nothing here', async () => {
    const store = await open();
    const { hold } = await store.open(keyed(500));
    const principal = { ...hold.principal, agent: 'other-bot' };
    const other = await store.open({ ...keyed(501), principal });
    expect(other.attached).toBe(false);
  });
});

describe('the list', () => {
  test('pages from the newest to the oldest without a gap', async () => {
    const store = await open();
    const opened: string[] = [];
    for (let amount = 1; amount <= 5; amount++) opened.push((await store.open(draft(amount))).hold.id);
    const seen: string[] = [];
    let cursor: string | null = '';
    do {
      const page: { items: Hold[]; next: string | null } = await store.list({ limit: 2, ...(cursor && { cursor }) });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next;
    } while (cursor !== null);
    expect(seen).toEqual(opened.toSorted().toReversed());
  });

  test('filters by status, system, agent and group', async () => {
    const store = await open();
    const { hold } = await store.open(draft(1));
    await store.open(draft(2, { system: 'crm' }, { reviewers: ['legal', 'sales'] }));
    await store.apply(hold.id, reject);
    const ids = async (filter: object) =>
      (await store.list({ limit: 10, ...filter })).items.map(({ system }) => system);
    expect(await ids({ status: 'rejected' })).toEqual(['payments']);
    expect(await ids({ system: 'crm' })).toEqual(['crm']);
    expect(await ids({ agent: 'nobody' })).toEqual([]);
    expect(await ids({ group: 'sales' })).toEqual(['crm']);
    expect(await ids({ group: 'finance' })).toEqual(['payments']);
    expect(await store.counts()).toContainEqual({ status: 'rejected', execution: 'none', count: 1 });
  });

  test('routes a hold anew when policy asks again', async () => {
    const store = await open();
    const { hold } = await store.open(draft(1));
    await store.apply(hold.id, approve());
    const terms = { ...TERMS, reviewers: ['legal'] };
    await store.apply(hold.id, { type: 'reopen', rules: hold.rules, reason: 'new', terms, policyRevision: 'p2' });
    expect((await store.list({ limit: 10, group: 'finance' })).items).toEqual([]);
    expect((await store.list({ limit: 10, group: 'legal' })).items).toMatchObject([{ id: hold.id, revision: 2 }]);
    expect(await store.call(hold.id)).toEqual(draft(1).call);
  });
});

describe('what is held', () => {
  test('cannot be read in the files, and neither can the answer', async () => {
    const store = await open();
    const wanted = draft(500);
    const body = Buffer.from('{"marker":"qwertz-body"}');
    const { hold } = await store.open({ ...wanted, call: { ...wanted.call, body, input: '{"x":"qwertz-input"}' } });
    await store.apply(hold.id, approve());
    await store.apply(hold.id, release);
    await store.apply(hold.id, { type: 'executed', attempt: 'att_1', response });
    const names = await readdir(join(folder, 'data'));
    expect(names.length).toBeGreaterThanOrEqual(2);
    for (const name of names) {
      const path = join(folder, 'data', name);
      const bytes = await readFile(path);
      for (const secret of ['qwertz-body', 'qwertz-input', 're_marker', 'agent-secret']) {
        expect(bytes.includes(secret), `${secret} in ${name}`).toBe(false);
      }
      expect((await stat(path)).mode & 0o077).toBe(0);
    }
  });

  test('cannot be opened, nor added to, with another key', async () => {
    await (await open()).open(draft(500));
    await expect(open(Buffer.alloc(32, 8))).rejects.toThrow('another key');
  });

  test('is not given out when its row was moved to another hold', async () => {
    const store = await open();
    const { hold } = await store.open(draft(500));
    const { hold: other } = await store.open(draft(5));
    const raw = new DatabaseSync(file);
    raw
      .prepare('update sealed set content = (select content from sealed where hold_id = ?) where hold_id = ?')
      .run(other.id, hold.id);
    raw.close();
    await expect(store.call(hold.id)).rejects.toMatchObject({ code: 'store-unavailable' });
  });
});

test('a database of a newer program is refused and left alone', async () => {
  await (await open()).close();
  const raw = new DatabaseSync(file);
  raw.exec('update schema_version set version = 99');
  raw.close();
  await expect(open()).rejects.toThrow('schema 99');
});

test('a store that cannot write says so and opens nothing', async () => {
  const store = await open();
  const raw = new DatabaseSync(file);
  raw.exec('drop table outbox');
  raw.close();
  await expect(store.open(draft(500))).rejects.toMatchObject({ code: 'store-unavailable' });
  expect((await store.list({ limit: 10 })).items).toEqual([]);
});

describe('the outbox', () => {
  test('is read in order, from where the reader was, and forgets what was shipped', async () => {
    const store = await open();
    for (let amount = 1; amount <= 3; amount++) await store.open(draft(amount));
    const all = await store.outbox.read(0, 10);
    expect(all.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(await store.outbox.read(all[0]!.seq, 1)).toEqual([all[1]]);
    await store.outbox.forget(all[1]!.seq);
    expect(await store.outbox.read(0, 10)).toEqual([all[2]]);
  });
});

describe('approve against expire', () => {
  test('the first commit wins and the loser is told who won', async () => {
    const [one, other] = [await open(), await open()];
    const { hold } = await one.open(draft(500));
    const [approved, rejected] = await Promise.all([one.apply(hold.id, approve()), other.apply(hold.id, reject)]);
    const losers = [approved, rejected].filter(isRefusal);
    expect(losers).toHaveLength(1);
    expect(losers[0]).toMatchObject({ refused: 'state', detail: expect.stringContaining('by ben@example.com') });
    expect((await eventTypes(one)).filter((type) => type === 'hold.approved' || type === 'hold.rejected')).toHaveLength(
      1,
    );
  });

  test('the timer expires what nobody decided, once, and leaves what was approved in time', async () => {
    const store = await open();
    const { hold: late } = await store.open(draft(1));
    const { hold: decided } = await store.open(draft(2));
    await store.apply(decided.id, approve());
    now = late.expiresAt;
    const timers = createHoldTimers({ store, clock: () => now, interval: 5, failed: () => {} });
    expect(await timers.tick()).toBe(1);
    expect(await timers.tick()).toBe(0);
    expect((await store.find(late.id))?.status).toBe('expired');
    expect((await store.find(decided.id))?.status).toBe('approved');
    expect(await store.apply(late.id, approve())).toMatchObject({ refused: 'state' });
    now = (await store.find(decided.id))!.redeemBy!;
    expect(await timers.tick()).toBe(1);
    expect((await store.find(decided.id))?.status).toBe('lapsed');
  });

  test('whoever comes after the deadline finds the hold expired, timer or not', async () => {
    const store = await open();
    const { hold } = await store.open(draft(1));
    now = hold.expiresAt;
    expect(await store.apply(hold.id, approve())).toMatchObject({ refused: 'state', hold: { status: 'expired' } });
    expect((await store.find(hold.id))?.status).toBe('expired');
  });

  test('running timers expire by themselves and stop when told', async () => {
    const store = await open();
    const { hold } = await store.open(draft(1));
    const expired = new Promise<Hold>((resolve) => store.watch((hold) => hold.status === 'expired' && resolve(hold)));
    const timers = createHoldTimers({ store, clock: () => now, interval: 5, failed: () => {} });
    timers.start();
    now = hold.expiresAt;
    expect((await expired).id).toBe(hold.id);
    await timers.stop();
  });
});

test('answers are kept for a day and settled holds for a month', async () => {
  const store = await open();
  const { hold } = await store.open(draft(1));
  const { hold: pending } = await store.open(draft(2, {}, { expiresIn: 10 * SETTLED_KEPT }));
  await store.apply(hold.id, approve());
  await store.apply(hold.id, release);
  await store.apply(hold.id, { type: 'executed', attempt: 'att_1', response });
  await store.prune(now + ANSWER_KEPT);
  expect(await store.response(hold.id)).not.toBeNull();
  await store.prune(now + ANSWER_KEPT + 1);
  expect(await store.response(hold.id)).toBeNull();
  expect(await store.call(hold.id)).not.toBeNull();
  await store.prune(now + SETTLED_KEPT + 1);
  expect(await store.find(hold.id)).toBeNull();
  expect(await store.call(hold.id)).toBeNull();
  expect(await store.find(pending.id)).toEqual(pending);
});

describe('several processes', () => {
  test('start on a new file at once, and what one changes the others are told', async () => {
    const [store, child] = await Promise.all([open(), startChild(), startChild()]);
    const seen: Hold[] = [];
    const stop = store.watch((hold) => seen.push(hold));
    const { hold } = await tell<{ hold: Hold }>(child, { open: 500 });
    await expect.poll(() => seen.map(({ id }) => id)).toEqual([hold.id]);
    await tell(child, { approve: hold.id });
    await expect.poll(() => seen.at(-1)?.status).toBe('approved');
    stop();
    await tell(child, { open: 501 });
    expect(seen).toHaveLength(2);
  });

  test('open one hold for the same call', async () => {
    const store = await open();
    const [one, other] = await Promise.all([startChild(), startChild()]);
    for (let amount = 1; amount <= 20; amount++) {
      const opened = await Promise.all([
        tell<{ hold: Hold }>(one, { open: amount }),
        tell<{ hold: Hold }>(other, { open: amount }),
        store.open(draft(amount)),
      ]);
      expect(new Set(opened.map(({ hold }) => hold.id)).size).toBe(1);
    }
  });

  test('approve at once, and one of them is told that the other was first', async () => {
    const store = await open();
    const [one, other] = await Promise.all([startChild(), startChild()]);
    for (let amount = 1; amount <= 20; amount++) {
      const { hold } = await store.open(draft(amount));
      const results = await Promise.all([
        tell<Hold | HoldRefusal>(one, { approve: hold.id }),
        tell<Hold | HoldRefusal>(other, { approve: hold.id }),
      ]);
      expect(results.filter(isRefusal)).toMatchObject([{ refused: 'state' }]);
    }
    expect((await eventTypes(store)).filter((type) => type === 'hold.approved')).toHaveLength(20);
  });

  test('keep what was committed when one is killed', async () => {
    const store = await open();
    const child = await startChild();
    const { hold } = await tell<{ hold: Hold }>(child, { open: 500 });
    child.kill('SIGKILL');
    await once(child, 'exit');
    children = [];
    expect(await store.find(hold.id)).toMatchObject({ status: 'pending' });
    await must(store.apply(hold.id, approve()));
  });
});

test('a watcher that reads after it began to watch misses nothing', async () => {
  const [one, other] = [await open(), await open()];
  for (let amount = 1; amount <= 30; amount++) {
    const { hold } = await one.open(draft(amount));
    const settled = Promise.withResolvers<void>();
    const stop = one.watch((changed) => changed.id === hold.id && changed.status === 'approved' && settled.resolve());
    const approving = other.apply(hold.id, approve());
    if ((await one.find(hold.id))?.status === 'approved') settled.resolve();
    await Promise.all([approving, settled.promise]);
    stop();
  }
  expect(await one.counts()).toEqual([{ status: 'approved', execution: 'none', count: 30 }]);
});
