import fc from 'fast-check';
import { expect } from 'vitest';
import { isRefusal } from '../../../../gateway/domain/hold-command.ts';
import type { HoldCommand, HoldRefusal } from '../../../../gateway/domain/hold-command.ts';
import { assertCall, isOpen, type Hold } from '../../../../gateway/domain/hold.ts';
import {
  CALLS,
  isApproved,
  CLOCK_SKEW,
  LEASE,
  mayApprove,
  mayDecide,
  openHold,
  PEOPLE,
  REDEEM_WITHIN,
  rejected,
  settle,
  standingRejection,
  EXPIRES_IN,
  type Expected,
  type Model,
  type Person,
} from './reference.ts';
import type { Fate, World } from './world.ts';

type Command = fc.AsyncCommand<Model, World>;

/** A step of a random story: `run` does it on both sides and compares. */
function step(
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, world: World) => Promise<void>,
): Command {
  return { check, run, toString: () => name };
}

const accepted = (result: Hold | HoldRefusal) => !isRefusal(result);

/** Gives one command to the newest hold of a call through one gateway. */
async function give(model: Model, world: World, at: number, call: number, command: (hold: Hold) => HoldCommand) {
  const expected = latest(model, call)!;
  const { store } = world.gateways[at]!;
  const hold = (await store.holds.find(expected.id))!;
  return { expected, result: await store.holds.apply(hold.id, command(hold)) };
}

const latest = (model: Model, call: number) => model.holds.findLast((hold) => hold.call === call);
const exists = (call: number) => (model: Model) => latest(model, call) !== undefined;

function open(call: number, at: number, handle: boolean): Command {
  return step(
    `open ${call} at ${at}${handle ? ' with handle' : ''}`,
    () => true,
    async (model, world) => {
      const existing = openHold(model, call) ?? standingRejection(model, call);
      const { store } = world.gateways[at]!;
      if (model.suspended) {
        await expect(store.holds.open(world.draft(call, handle))).rejects.toMatchObject({ code: 'suspended' });
        return;
      }
      const { hold, attached } = await store.holds.open(world.draft(call, handle));
      expect(attached).toBe(existing !== undefined);
      if (existing) {
        expect(hold.id).toBe(existing.id);
        return;
      }
      model.holds.push({
        id: hold.id,
        call,
        handle,
        revision: 1,
        status: 'pending',
        execution: 'none',
        expiresAt: model.now + EXPIRES_IN,
        redeemBy: 0,
        approved: [],
        editors: new Set(),
        rejectedUntil: 0,
        lease: null,
        sends: 0,
      });
    },
  );
}

const personal = (hold: Hold, person: Person) => ({ by: person, channel: 'api', revision: hold.revision }) as const;

function approve(call: number, at: number, person: Person): Command {
  return step(`${person.id} approves ${call} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, (hold) => ({
      type: 'approve',
      ...personal(hold, person),
      note: null,
      seenAt: null,
      grant: null,
    }));
    expect(accepted(result)).toBe(mayApprove(model, expected, person));
    if (accepted(result)) countVote(model, expected, person);
  });
}

function countVote(model: Model, expected: Expected, person: Person): void {
  expected.approved.push(person);
  expected.lease = null;
  if (!isApproved(expected)) return;
  expected.status = 'approved';
  expected.redeemBy = model.now + REDEEM_WITHIN;
}

function approveOld(call: number, at: number, person: Person): Command {
  const changed = (model: Model) => (latest(model, call)?.revision ?? 1) > 1;
  return step(`${person.id} approves an old revision of ${call} at ${at}`, changed, async (model, world) => {
    const { result } = await give(model, world, at, call, (hold) => ({
      type: 'approve',
      ...personal(hold, person),
      revision: hold.revision - 1,
      note: null,
      seenAt: null,
      grant: null,
    }));
    expect(accepted(result)).toBe(false);
  });
}

function edit(call: number, at: number, person: Person, amount: number): Command {
  return step(`${person.id} edits ${call} to ${amount} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, (hold) => world.edit(hold, call, person, amount));
    const allowed = mayDecide(model, expected, person) && person !== PEOPLE[0];
    expect(accepted(result)).toBe(allowed);
    if (!allowed) return;
    expected.revision++;
    expected.editors.add(person.id);
    expected.approved = [];
    countVote(model, expected, person);
    expect(expected.status).toBe('pending');
  });
}

function reject(call: number, at: number, person: Person): Command {
  return step(`${person.id} rejects ${call} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, (hold) => ({
      type: 'reject',
      ...personal(hold, person),
      code: 'other',
      note: null,
    }));
    expect(accepted(result)).toBe(mayDecide(model, expected, person));
    if (accepted(result)) rejected(model, expected);
  });
}

function claim(call: number, at: number, person: Person): Command {
  return step(`${person.id} claims ${call} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, (hold) => ({
      type: 'claim',
      ...personal(hold, person),
    }));
    expect(accepted(result)).toBe(mayDecide(model, expected, person));
    if (accepted(result)) expected.lease = { by: person.id, until: model.now + LEASE };
  });
}

function cancel(call: number, at: number): Command {
  return step(`the agent cancels ${call} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, () => ({
      type: 'cancel',
      by: 'billing-bot',
      as: 'agent',
      channel: null,
      reason: null,
    }));
    settle(model, expected);
    expect(accepted(result)).toBe(expected.status === 'pending');
    if (accepted(result)) expected.status = 'cancelled';
  });
}

/** A clock may be set back, by as much as clocks may differ. Further, and across a deadline, there are tests of their own. */
function pass(ms: number): Command {
  const crossesNone = ({ now, latest, holds }: Model) =>
    ms > 0 ||
    (now + ms >= latest - CLOCK_SKEW &&
      holds.every(({ expiresAt, redeemBy }) => [expiresAt, redeemBy].every((at) => at > now || at <= now + ms)));
  return step(`${ms / 60_000} minutes pass`, crossesNone, async (model, world) => {
    model.now += ms;
    model.latest = Math.max(model.latest, model.now);
    world.now += ms;
  });
}

function tick(at: number): Command {
  return step(
    `the timers of ${at} fire`,
    () => true,
    async (model, world) => {
      await world.gateways[at]!.timers.tick();
      for (const hold of model.holds) settle(model, hold);
    },
  );
}

function release(call: number, at: number, fate: Fate): Command {
  return step(`${at} releases ${call}: ${fate}`, exists(call), async (model, world) => {
    const expected = latest(model, call)!;
    settle(model, expected);
    const ready = expected.status === 'approved' && expected.execution === 'none';
    const hold = (await world.gateways[at]!.store.holds.find(expected.id))!;
    const before = world.sent.length;
    // Whoever is not allowed to send must not get as far as dying on the way.
    await world.release(at, hold, ready ? fate : 'answered');
    const out = world.sent.slice(before);
    if (!ready) {
      expect(out).toEqual([]);
      return;
    }
    expect(out.length).toBe(fate === 'unsent' || fate === 'dies before' ? 0 : 1);
    expected.sends += out.length;
    // What went out is what was approved, byte for byte.
    for (const { digest } of out) expect(digest).toBe(assertCall(hold).digest);
    expected.execution = fate === 'answered' ? 'executed' : fate === 'unsent' ? 'failed' : 'indeterminate';
  });
}

function confirm(call: number, at: number, person: Person, executed: boolean): Command {
  return step(`${person.id} finds out about ${call} at ${at}`, exists(call), async (model, world) => {
    const { expected, result } = await give(model, world, at, call, (hold) => ({
      type: 'outcome',
      ...personal(hold, person),
      result: executed ? 'executed' : 'not-executed',
      reference: 're_1',
      note: null,
    }));
    const concerned = CALLS[call]!.some(({ groups }) => groups.some((group) => person.groups.includes(group)));
    expect(accepted(result)).toBe(concerned && expected.execution === 'indeterminate');
    if (accepted(result)) expected.execution = executed ? 'confirmed-executed' : 'confirmed-not';
  });
}

function restart(at: number): Command {
  return step(
    `${at} is killed`,
    () => true,
    (_model, world) => world.restart(at),
  );
}

/** Both gateways at once; the rule is that exactly one of them wins, whichever it is. */
function race(call: number, name: string, first: Rival, second: Rival): Command {
  return step(`${name} race for ${call}`, exists(call), async (model, world) => {
    const expected = latest(model, call)!;
    settle(model, expected);
    if (expected.status !== 'pending') return;
    if (name.includes('expiry')) {
      world.now += expected.expiresAt - model.now;
      model.now = expected.expiresAt;
      model.latest = Math.max(model.latest, model.now);
    }
    const [a, b] = world.gateways.map(({ store }) => store);
    const hold = (await a!.holds.find(expected.id))!;
    const results = await Promise.all([a!.holds.apply(hold.id, first(hold)), b!.holds.apply(hold.id, second(hold))]);
    const now = (await a!.holds.find(expected.id))!;
    const won = results.filter(accepted).length;
    // A vote that completes no quorum leaves the hold open for whoever comes next.
    const decides = isApproved({ ...expected, approved: [...expected.approved, PEOPLE[1]] });
    expect(won).toBeLessThanOrEqual(decides && !name.includes('votes') ? 1 : 2);
    for (const result of results) if (isRefusal(result)) expect(result.detail).not.toBe('');
    // The reference does not guess who won; it goes on from what is.
    adopt(expected, now);
  });
}

type Rival = (hold: Hold) => HoldCommand;

function adopt(expected: Expected, hold: Hold): void {
  expected.status = hold.status;
  expected.rejectedUntil = hold.rejectedUntil ?? 0;
  expected.execution = hold.execution;
  expected.redeemBy = assertCall(hold).redeemBy ?? 0;
  expected.lease = hold.lease && { by: hold.lease.by, until: hold.lease.until };
  const present = hold.votes.filter(({ revision }) => revision === hold.revision);
  const voters = new Set(present.map((vote) => vote.reviewer));
  expected.approved = PEOPLE.filter(({ id }) => voters.has(id));
}

/** Two gateways release the same approval at the same moment: one sends. */
function releaseTwice(call: number): Command {
  return step(`both release ${call}`, exists(call), async (model, world) => {
    const expected = latest(model, call)!;
    settle(model, expected);
    const ready = expected.status === 'approved' && expected.execution === 'none';
    const hold = (await world.gateways[0]!.store.holds.find(expected.id))!;
    const before = world.sent.length;
    await Promise.all([world.release(0, hold, 'answered'), world.release(1, hold, 'answered')]);
    expect(world.sent.length - before).toBe(ready ? 1 : 0);
    if (!ready) return;
    expected.sends++;
    expected.execution = 'executed';
  });
}

function suspend(at: number): Command {
  return step(
    `the agent is suspended at ${at}`,
    () => true,
    async (model, world) => {
      await world.gateways[at]!.store.suspensions.suspend({
        kind: 'agent',
        name: 'billing-bot',
        by: 'olga@example.com',
        channel: 'api',
        reason: 'looks odd',
      });
      model.suspended = true;
      for (const hold of model.holds) {
        settle(model, hold);
        const stopped = hold.status === 'pending' || (hold.status === 'approved' && hold.execution === 'none');
        if (stopped) hold.status = 'superseded';
      }
    },
  );
}

function resume(at: number): Command {
  return step(
    `the agent is resumed at ${at}`,
    () => true,
    async (model, world) => {
      await world.gateways[at]!.store.suspensions.resume('agent', 'billing-bot', 'olga@example.com', 'api');
      model.suspended = false;
    },
  );
}

const call = fc.nat(CALLS.length - 1);
const gateway = fc.nat(1);
const somebody = fc.constantFrom(...PEOPLE);
const fate = fc.constantFrom<Fate>('answered', 'answered', 'unsent', 'lost', 'dies before', 'dies after');
const expire: Rival = () => ({ type: 'expire' });
const approval =
  (person: Person): Rival =>
  (hold) => ({ type: 'approve', ...personal(hold, person), note: null, seenAt: null, grant: null });
const rejection =
  (person: Person): Rival =>
  (hold) => ({ type: 'reject', ...personal(hold, person), code: 'other', note: null });

const often = <T>(times: number, one: fc.Arbitrary<T>) => Array.from({ length: times }, () => one);

/** What happens rarely in life happens rarely here, or few stories would get far. */
export const commands = [
  ...often(
    8,
    fc.tuple(call, gateway, fc.boolean()).map((args) => open(...args)),
  ),
  ...often(
    12,
    fc.tuple(call, gateway, somebody).map((args) => approve(...args)),
  ),
  ...often(
    4,
    fc.tuple(call, gateway, somebody, fc.integer({ min: 1, max: 499 })).map((args) => edit(...args)),
  ),
  ...often(
    6,
    fc.tuple(call, gateway, fate).map((args) => release(...args)),
  ),
  ...often(
    2,
    fc.tuple(call, gateway, somebody).map((args) => claim(...args)),
  ),
  ...often(2, fc.constantFrom(60_000, 6 * 60_000, -60_000).map(pass)),
  ...often(
    2,
    fc.tuple(call, gateway, somebody, fc.boolean()).map((args) => confirm(...args)),
  ),
  ...often(2, gateway.map(tick)),
  fc.constantFrom(31 * 60_000, 25 * 3_600_000).map(pass),
  fc.tuple(call, gateway, somebody).map((args) => approveOld(...args)),
  fc.tuple(call, gateway, somebody).map((args) => reject(...args)),
  fc.tuple(call, gateway).map((args) => cancel(...args)),
  gateway.map(restart),
  call.map((one) => race(one, 'approval and expiry', approval(PEOPLE[1]), expire)),
  call.map((one) => race(one, 'approval and rejection', approval(PEOPLE[1]), rejection(PEOPLE[2]))),
  call.map((one) => race(one, 'two votes', approval(PEOPLE[1]), approval(PEOPLE[2]))),
  ...often(2, call.map(releaseTwice)),
  gateway.map(suspend),
  ...often(3, gateway.map(resume)),
];

/** At the end: the store says what the reference says, and the ledger tells the same story as the store. */
export async function compare(model: Model, world: World): Promise<void> {
  const events = await world.events();
  for (const expected of model.holds) {
    const hold = (await world.gateways[0]!.store.holds.find(expected.id))!;
    settle(model, expected);
    // A timer that has not fired yet leaves the store behind the clock, and nothing else.
    const late = hold.status === 'pending' || (hold.status === 'approved' && isOpen(hold));
    if (!(late && ['expired', 'lapsed'].includes(expected.status))) {
      expect({ status: hold.status, execution: hold.execution }).toEqual({
        status: expected.status,
        execution: expected.execution,
      });
    }
    expect(expected.sends).toBeLessThanOrEqual(1);
    expect(told(events.filter(({ hold_id }) => hold_id === hold.id))).toEqual({
      status: hold.status,
      execution: hold.execution,
      votes: hold.votes.length,
    });
  }
}

/** The end of a hold's story as its events alone tell it. */
function told(events: readonly { type: string; code?: string | undefined }[]) {
  let status = '';
  let execution = '';
  let votes = 0;
  for (const { type, code } of events) {
    const what = type.slice('hold.'.length);
    if (what === 'opened' || what === 'reopened') [status, execution] = ['pending', 'none'];
    else if (what === 'voted') votes++;
    else if (['approved', 'rejected', 'expired', 'cancelled', 'superseded', 'lapsed'].includes(what)) status = what;
    else if (what === 'released') execution = 'releasing';
    else if (['executed', 'failed', 'indeterminate'].includes(what)) execution = what;
    else if (what === 'confirmed') execution = code === 'executed' ? 'confirmed-executed' : 'confirmed-not';
  }
  return { status, execution, votes };
}
