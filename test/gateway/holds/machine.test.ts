import { describe, expect, test } from 'vitest';
import type { Hold, HoldCommand, HoldExecution, HoldStatus } from '../../../gateway/domain/hold.ts';
import { REDEEM_WITHIN } from '../../../gateway/holds/changes.ts';
import { transition, transitions } from '../../../gateway/holds/machine.ts';
import { draft, reviewer, TERMS } from './draft.ts';

const NOW = 1_700_000_000_000;
const BEN = reviewer('ben@example.com');
const CLEO = reviewer('cleo@example.com');
const ATTEMPT = { id: 'att_1', by: 'worker-0', at: NOW - 10 };

function hold(changes: Partial<Hold> = {}): Hold {
  const { call: _call, traceId: _trace, ...described } = draft(500);
  return {
    ...described,
    id: 'hold_1',
    version: 1,
    revision: 1,
    kind: 'approval',
    status: 'pending',
    execution: 'none',
    votes: [],
    createdAt: NOW - 1000,
    expiresAt: NOW + TERMS.expiresIn,
    redeemBy: null,
    decidedAt: null,
    decidedBy: null,
    code: null,
    note: null,
    attempt: null,
    upstreamStatus: null,
    ...changes,
  };
}

const approve = (by = BEN, revision = 1) => ({ type: 'approve', by, channel: 'api', revision, note: null }) as const;
const reject = (by = BEN, revision = 1) =>
  ({ type: 'reject', by, channel: 'api', revision, code: 'wrong-amount', note: 'too much' }) as const;
const response = { status: 200, headers: [], body: Buffer.from('{}'), complete: true };

/** Each command, in a form that the guards have nothing against. */
const commands: readonly HoldCommand[] = [
  approve(),
  reject(),
  { type: 'cancel', by: 'billing-bot' },
  { type: 'give-handle' },
  { type: 'expire' },
  { type: 'lapse' },
  { type: 'supersede', reason: 'blocked now', policyRevision: 'p2' },
  { type: 'reopen', rules: [], reason: 'asks again', terms: TERMS, policyRevision: 'p2' },
  { type: 'release', attempt: 'att_1', by: 'worker-0', policyRevision: 'p1' },
  { type: 'executed', attempt: 'att_1', response },
  { type: 'failed', attempt: 'att_1', reason: 'refused' },
  { type: 'indeterminate', attempt: 'att_1', reason: 'reset' },
];
const statuses: readonly HoldStatus[] = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'cancelled',
  'superseded',
  'taken-over',
  'lapsed',
];
const executions: readonly HoldExecution[] = [
  'none',
  'releasing',
  'executed',
  'failed',
  'indeterminate',
  'confirmed-executed',
  'confirmed-not',
];

/** A hold in the given state at a time at which the command's guards agree. */
function ripeFor(command: HoldCommand, status: HoldStatus, execution: HoldExecution): Hold {
  const expiresAt = command.type === 'expire' ? NOW : NOW + 1000;
  const redeemBy = status === 'approved' ? (command.type === 'lapse' ? NOW : NOW + 1000) : null;
  return hold({ status, execution, expiresAt, redeemBy, attempt: execution === 'none' ? null : ATTEMPT });
}

/** What the table promises: `status/execution` afterwards, or `refused`. */
function expected({ status, execution }: Hold, { type }: HoldCommand): string {
  const line = transitions.find((line) => line.from === status && line.execution === execution && line.on === type);
  if (!line) return 'refused';
  const word = line.to.replace('pending, approved with quorum', 'approved').replace(/,.*/, '');
  return executions.some((executed) => executed === word) ? `${status}/${word}` : `${word}/${execution}`;
}

function outcome(before: Hold, command: HoldCommand): string {
  const result = transition(before, command, NOW);
  if ('refused' in result) return result.hold === before && result.refused === 'state' ? 'refused' : result.detail;
  return result.hold.version === before.version + 1 ? `${result.hold.status}/${result.hold.execution}` : 'same version';
}

describe('every command in every state', () => {
  for (const command of commands) {
    test(`${command.type} changes what the table says and is refused everywhere else`, () => {
      for (const status of statuses) {
        for (const execution of executions) {
          const before = ripeFor(command, status, execution);
          expect(outcome(before, command), `${status}/${execution}`).toBe(expected(before, command));
        }
      }
    });
  }

  test('nothing leaves a state that is final', () => {
    const left = new Set(transitions.map((line) => `${line.from}/${line.execution}`));
    expect([...left].toSorted()).toEqual(['approved/none', 'approved/releasing', 'pending/none']);
  });

  test('a hold is released only from an approval that nobody has released', () => {
    expect(transitions.filter((line) => line.on === 'release')).toMatchObject([
      { from: 'approved', execution: 'none' },
    ]);
  });
});

function refusal(before: Hold, command: HoldCommand, now = NOW) {
  const result = transition(before, command, now);
  return 'refused' in result ? result : null;
}

function after(before: Hold, command: HoldCommand, now = NOW): Hold {
  const result = transition(before, command, now);
  if ('refused' in result) throw new Error(result.detail);
  return result.hold;
}

describe('who may decide', () => {
  test('the owner of the agent may not approve its call', () => {
    expect(refusal(hold(), approve(reviewer('ana@example.com')))).toMatchObject({ refused: 'forbidden' });
  });
  test('the owner may approve where the rule says so', () => {
    const terms = { ...TERMS, ownerMayApprove: true };
    expect(after(hold({ terms }), approve(reviewer('ana@example.com'))).status).toBe('approved');
  });
  test('the principal never approves, whatever the rule says', () => {
    const terms = { ...TERMS, ownerMayApprove: true };
    expect(refusal(hold({ terms }), approve(reviewer('billing-bot')))).toMatchObject({ refused: 'forbidden' });
  });
  test('whoever the agent acts for may not approve', () => {
    const principal = { ...hold().principal, onBehalfOf: ['ben@example.com'] };
    expect(refusal(hold({ principal }), approve())).toMatchObject({ refused: 'forbidden' });
  });
  test('the owner may reject', () => {
    expect(after(hold(), reject(reviewer('ana@example.com'))).status).toBe('rejected');
  });
  test('a reviewer of another group may neither approve nor reject', () => {
    const outsider = reviewer('dan@example.com', ['legal']);
    expect(refusal(hold(), approve(outsider))).toMatchObject({ refused: 'forbidden' });
    expect(refusal(hold(), reject(outsider))).toMatchObject({ refused: 'forbidden' });
  });
  test('any reviewer may decide when the rule names no group', () => {
    const terms = { ...TERMS, reviewers: [] };
    expect(after(hold({ terms }), approve(reviewer('dan@example.com', []))).status).toBe('approved');
  });
  test('an analyst is no reviewer', () => {
    const analyst = reviewer('eve@example.com', ['finance'], ['analyst']);
    expect(refusal(hold(), approve(analyst))).toMatchObject({ refused: 'forbidden' });
  });
  test('level 3 cannot be approved and says so, but can be rejected', () => {
    const terms = { ...TERMS, level: 3 as const };
    expect(refusal(hold({ terms }), approve())).toMatchObject({
      refused: 'forbidden',
      detail: expect.stringContaining('Level 3'),
    });
    expect(after(hold({ terms }), reject()).status).toBe('rejected');
  });
});

describe('votes', () => {
  const terms = { ...TERMS, quorum: 2 };

  test('a quorum of two needs two people', () => {
    const once = after(hold({ terms }), approve(BEN));
    expect(once.status).toBe('pending');
    const twice = after(once, approve(CLEO));
    expect(twice).toMatchObject({ status: 'approved', decidedBy: 'cleo@example.com', redeemBy: NOW + REDEEM_WITHIN });
  });
  test('one person counts once', () => {
    const once = after(hold({ terms }), approve(BEN));
    expect(refusal(once, approve(BEN))).toMatchObject({ refused: 'state', detail: expect.stringContaining('once') });
  });
  test('each vote is recorded, and the approval once', () => {
    const result = transition(hold(), approve(), NOW);
    expect('events' in result && result.events.map((event) => event.type)).toEqual(['hold.voted', 'hold.approved']);
  });
  test('asking again voids the votes and begins a new revision under the new terms', () => {
    const approved = after(hold(), approve());
    const rules = [{ id: 'rules.payments/new', verdict: 'hold' as const, reason: 'new' }];
    const again = after(approved, { type: 'reopen', rules, reason: 'new', terms, policyRevision: 'p2' }, NOW + 5);
    expect(again).toMatchObject({ status: 'pending', revision: 2, rules, terms, policyRevision: 'p2', redeemBy: null });
    expect(again.expiresAt).toBe(NOW + 5 + terms.expiresIn);
    expect(refusal(again, approve(BEN, 1))).toMatchObject({ refused: 'stale' });
    expect(after(again, approve(BEN, 2)).status).toBe('pending');
  });
  test('a decision on a revision that has changed is stale', () => {
    expect(refusal(hold({ revision: 2 }), approve(BEN, 1))).toMatchObject({ refused: 'stale' });
    expect(refusal(hold({ revision: 2 }), reject(BEN, 1))).toMatchObject({ refused: 'stale' });
  });
});

describe('time', () => {
  test('an approval after the deadline is refused although no timer has fired', () => {
    const before = hold({ expiresAt: NOW });
    expect(refusal(before, approve())).toMatchObject({
      refused: 'state',
      detail: expect.stringContaining(new Date(NOW).toISOString()),
    });
    expect(refusal(before, approve(), NOW - 1)).toBeNull();
  });
  test('a hold does not expire before its time', () => {
    expect(refusal(hold({ expiresAt: NOW + 1 }), { type: 'expire' })).toMatchObject({ refused: 'state' });
  });
  test('an approval is released before its time is over, and lapses from then on', () => {
    const approved = hold({ status: 'approved', redeemBy: NOW });
    const release = { type: 'release', attempt: 'att_1', by: 'w', policyRevision: 'p1' } as const;
    expect(refusal(approved, release)).toMatchObject({ refused: 'state' });
    expect(refusal(approved, release, NOW - 1)).toBeNull();
    expect(refusal(approved, { type: 'lapse' }, NOW - 1)).toMatchObject({ refused: 'state' });
    expect(after(approved, { type: 'lapse' }).status).toBe('lapsed');
  });
});

test('whoever comes too late is told who decided, and when', () => {
  const rejected = after(hold(), reject());
  expect(refusal(rejected, approve(CLEO))?.detail).toBe(
    `Already rejected by ben@example.com at ${new Date(NOW).toISOString()}.`,
  );
});

test('only the attempt that holds the release says what became of it', () => {
  const releasing = hold({ status: 'approved', execution: 'releasing', attempt: ATTEMPT });
  expect(refusal(releasing, { type: 'executed', attempt: 'att_2', response })).toMatchObject({ refused: 'state' });
  expect(after(releasing, { type: 'executed', attempt: 'att_1', response })).toMatchObject({
    execution: 'executed',
    upstreamStatus: 200,
  });
});
