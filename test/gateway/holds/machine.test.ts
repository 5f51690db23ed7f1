import { describe, expect, test } from 'vitest';
import type { HoldTerms } from '../../../gateway/domain/decision.ts';
import type { GrantTerms } from '../../../gateway/domain/grant.ts';
import {
  HOLD_EXECUTIONS,
  HOLD_KINDS,
  HOLD_STATUSES,
  type Hold,
  type HoldExecution,
  type HoldKind,
  type HoldStatus,
} from '../../../gateway/domain/hold.ts';
import type { HoldCommand } from '../../../gateway/domain/hold-command.ts';
import type { Reviewer } from '../../../gateway/domain/principal.ts';
import { REDEEM_WITHIN } from '../../../gateway/holds/changes/approving.ts';
import { LEASE } from '../../../gateway/domain/lease.ts';
import { dueAt, dueCommand } from '../../../gateway/holds/deadlines.ts';
import { transition, transitions } from '../../../gateway/holds/machine.ts';
import { aHandoff, aHold, MINUTE, ONE_OF_FINANCE, reviewer, TWO_OF_FINANCE } from '../../helpers/hold.ts';

const NOW = 1_700_000_000_000;
const BEN = reviewer('ben');
const CLEO = reviewer('cleo');
const LEAD = reviewer('lea', ['leads']);
const BOT = { agent: 'helper-bot' };
const ATTEMPT = { id: 'att_1', by: 'worker-0', at: NOW - 10, key: 'key-1', number: 1 };
const response = { status: 200, headers: [], body: Buffer.from('{}'), complete: true };

const api = { channel: 'api', revision: 1 } as const;
const approve = (by = BEN, revision = 1, grant: GrantTerms | null = null) =>
  ({ type: 'approve', by, ...api, revision, note: null, seenAt: null, grant }) as const;
const reject = (by = BEN, revision = 1) =>
  ({ type: 'reject', by, ...api, revision, code: 'wrong-amount', note: 'too much' }) as const;
const escalate = (to: string[], by = BEN) => ({ type: 'escalate', by, ...api, to, note: null }) as const;
const claim = (by = BEN) => ({ type: 'claim', by, ...api }) as const;
const judged = (terms: HoldTerms = ONE_OF_FINANCE) => ({
  rules: [],
  reason: 'asks',
  terms,
  cost: { amount: 5, unit: 'EUR' },
  policyRevision: 'p2',
});
const edit = (by = BEN, terms: HoldTerms = ONE_OF_FINANCE, revision = 1) =>
  ({
    type: 'edit',
    by,
    ...api,
    revision,
    note: null,
    seenAt: null,
    call: { method: 'POST', target: '/v1/refunds', headers: [], body: Buffer.from('{"amount":50}'), input: '{}' },
    digest: 'f'.repeat(64),
    envelope: 'e'.repeat(64),
    judgement: judged(terms),
  }) as const;
const outcome = (by = BEN) =>
  ({ type: 'outcome', by, ...api, result: 'executed', reference: 're_1', note: null }) as const;

const executed = (attempt: string) => ({ type: 'executed', attempt, response, cost: null, drift: null }) as const;

/** Each command, in a form that the guards have nothing against. */
const commands: readonly HoldCommand[] = [
  claim(),
  { type: 'unclaim', by: BEN, ...api },
  { type: 'note', by: BEN, ...api, text: 'looks odd' },
  approve(),
  edit(),
  reject(),
  escalate(['legal']),
  { type: 'take-over', by: BEN, ...api, note: null },
  outcome(),
  { type: 'answer', by: BEN, ...api, answer: { option: 'yes', data: null }, note: null },
  { type: 'accept', by: BEN, ...api, note: null },
  { type: 'return', by: BEN, ...api, code: 'other', note: null },
  { type: 'cancel', by: 'billing-bot', as: 'agent', channel: null, reason: null },
  { type: 'remind' },
  { type: 'escalate-due' },
  { type: 'expire' },
  { type: 'lapse' },
  { type: 'give-handle' },
  { type: 'redeem', grant: 'grant_1', by: ['ben@example.com'], use: 'use 1 of 2' },
  { type: 'supersede', reason: 'blocked now', policyRevision: 'p2' },
  { type: 'reopen', ...judged() },
  { type: 'release', attempt: 'att_1', by: 'worker-0', key: 'key-1', policyRevision: 'p1' },
  executed('att_1'),
  { type: 'failed', attempt: 'att_1', reason: 'refused' },
  { type: 'indeterminate', attempt: 'att_1', reason: 'reset', resendAt: null },
  { type: 'resend', attempt: 'att_2', by: 'control', policyRevision: 'p1' },
  { type: 'leave-to-people', reason: 'tried five times' },
  { type: 'read-back', executed: true, evidence: 'GET /v1/refunds/1 gave 200' },
  { type: 'tell', by: 'worker-0' },
  { type: 'told' },
  { type: 'missed', by: 'worker-0' },
];
/** A hold in the given state at a time at which the command's guards agree. */
function ripeFor(command: HoldCommand, kind: HoldKind, status: HoldStatus, execution: HoldExecution): Hold {
  const lease = command.type === 'unclaim' ? { by: BEN.id, since: NOW - 1, until: NOW + 1 } : null;
  const state = {
    status,
    lease,
    expiresAt: command.type === 'expire' ? NOW : NOW + 1000,
    escalateAt: command.type === 'escalate-due' ? NOW : null,
    remindAt: command.type === 'remind' ? NOW : null,
    decidedBy: status === 'taken-over' ? BEN.id : null,
  };
  if (kind !== 'approval') return { ...aHandoff(NOW - 1000, kind, state), execution } as Hold;
  return aHold(NOW - 1000, {
    ...state,
    execution,
    redeemBy: status === 'approved' ? (command.type === 'lapse' ? NOW : NOW + 1000) : null,
    attempt: execution === 'none' ? null : ATTEMPT,
    resendAt: command.type === 'resend' ? NOW : null,
    owed: { until: NOW + 1000, by: command.type === 'missed' ? 'worker-0' : null },
  });
}

/** What the table promises: `status/execution` afterwards, or `refused`. */
function promised({ kind, status, execution }: Hold, { type }: HoldCommand): string {
  const line = transitions.find(
    (line) => line.kinds.includes(kind) && line.from === status && line.execution === execution && line.on === type,
  );
  if (!line) return 'refused';
  const word = line.to.replace('pending, approved with quorum', 'approved').replace(/[,;( ].*/, '');
  return HOLD_EXECUTIONS.some((executed) => executed === word) ? `${status}/${word}` : `${word}/${execution}`;
}

function became(before: Hold, command: HoldCommand): string {
  const result = transition(before, command, NOW);
  if ('refused' in result) return result.hold === before && result.refused === 'state' ? 'refused' : result.detail;
  return result.hold.version === before.version + 1 ? `${result.hold.status}/${result.hold.execution}` : 'same version';
}

function refusal(before: Hold, command: HoldCommand, now = NOW) {
  const result = transition(before, command, now);
  return 'refused' in result ? result : null;
}

function after(before: Hold, ...steps: HoldCommand[]): Hold {
  return steps.reduce((hold, command) => at(hold, command, NOW), before);
}

function at(before: Hold, command: HoldCommand, now: number): Hold {
  const result = transition(before, command, now);
  if ('refused' in result) throw new Error(result.detail);
  return result.hold;
}

describe('every command in every state of every kind', () => {
  for (const command of commands) {
    test(`${command.type} changes what the table says and is refused everywhere else`, () => {
      for (const kind of HOLD_KINDS) {
        for (const status of HOLD_STATUSES) {
          for (const execution of HOLD_EXECUTIONS) {
            const before = ripeFor(command, kind, status, execution);
            expect(became(before, command), `${kind} ${status}/${execution}`).toBe(promised(before, command));
          }
        }
      }
    });
  }

  test('there is a command here for every line of the table', () => {
    const known = new Set<string>(commands.map(({ type }) => type));
    expect(transitions.filter(({ on }) => !known.has(on))).toEqual([]);
  });
  test('no state has two lines for one command', () => {
    const keys = transitions.flatMap(({ kinds, from, execution, on }) =>
      kinds.map((kind) => [kind, from, execution, on].join()),
    );
    expect(new Set(keys).size).toBe(keys.length);
  });
  test('nothing leaves a state that is final, but a caller may be told of it', () => {
    const telling = new Set<string>(['tell', 'told', 'missed']);
    const others = transitions.filter(({ on }) => !telling.has(on));
    const left = new Set(others.map((line) => `${line.from}/${line.execution}`));
    expect(
      transitions.filter(({ from, execution, on, to }) => telling.has(on) && to !== from && to !== execution),
    ).toEqual([]);
    expect([...left].toSorted()).toEqual([
      'approved/indeterminate',
      'approved/none',
      'approved/releasing',
      'pending/none',
      'taken-over/none',
    ]);
  });
  test('a hold is released only from an approval that is not released yet', () => {
    expect(transitions.filter((line) => line.on === 'release')).toMatchObject([
      { kinds: ['approval'], from: 'approved', execution: 'none' },
    ]);
  });
});

describe('who may decide', () => {
  const hold = aHold(NOW);

  test('the owner of the agent may not approve its call', () => {
    expect(refusal(hold, approve(reviewer('ana')))).toMatchObject({ refused: 'forbidden' });
  });
  test('the owner may approve where the rule says so', () => {
    const terms = { ...ONE_OF_FINANCE, ownerMayApprove: true };
    expect(after(aHold(NOW, { terms }), approve(reviewer('ana'))).status).toBe('approved');
  });
  test('the principal never approves, whatever the rule says', () => {
    const terms = { ...ONE_OF_FINANCE, ownerMayApprove: true };
    const bot: Reviewer = { id: 'billing-bot', groups: ['finance'], roles: ['reviewer'] };
    expect(refusal(aHold(NOW, { terms }), approve(bot))).toMatchObject({ refused: 'forbidden' });
  });
  test('a person for whom the agent acts may not approve', () => {
    const principal = { ...hold.principal, onBehalfOf: ['ben@example.com'] };
    expect(refusal(aHold(NOW, { principal }), approve())).toMatchObject({ refused: 'forbidden' });
  });
  test('the owner may reject', () => {
    expect(after(hold, reject(reviewer('ana'))).status).toBe('rejected');
  });
  test('a reviewer of another group may neither approve nor reject nor take over', () => {
    const outsider = reviewer('dan', ['legal']);
    const takeOver = { type: 'take-over', by: outsider, ...api, note: null } as const;
    for (const command of [approve(outsider), reject(outsider), claim(outsider), edit(outsider), takeOver]) {
      expect(refusal(hold, command)).toMatchObject({ refused: 'forbidden' });
    }
  });
  test('any reviewer may decide when the rule names no group', () => {
    const terms = { ...ONE_OF_FINANCE, requirements: [{ groups: [], quorum: 1, escalate: [] }] };
    expect(after(aHold(NOW, { terms }), approve(reviewer('dan', []))).status).toBe('approved');
  });
  test('an analyst is no reviewer', () => {
    expect(refusal(hold, approve(reviewer('eve', ['finance'], ['analyst'])))).toMatchObject({ refused: 'forbidden' });
  });
  test('level 3 cannot be approved or edited and says so, but can be rejected and taken over', () => {
    const third = aHold(NOW, { terms: { ...ONE_OF_FINANCE, level: 3 } });
    expect(refusal(third, approve())).toMatchObject({
      refused: 'forbidden',
      detail: expect.stringContaining('Level 3'),
    });
    expect(refusal(third, edit())).toMatchObject({ refused: 'forbidden' });
    expect(after(third, reject()).status).toBe('rejected');
    expect(after(third, { type: 'take-over', by: BEN, ...api, note: null }).status).toBe('taken-over');
  });
});

describe('votes', () => {
  const hold = aHold(NOW, { terms: TWO_OF_FINANCE });

  test('a quorum of two needs two people', () => {
    const once = after(hold, approve(BEN));
    expect(once.status).toBe('pending');
    expect(after(once, approve(CLEO))).toMatchObject({
      status: 'approved',
      decidedBy: 'cleo@example.com',
      redeemBy: NOW + REDEEM_WITHIN,
    });
  });
  test('one person counts once', () => {
    const once = after(hold, approve(BEN));
    expect(refusal(once, approve(BEN))).toMatchObject({ refused: 'state', detail: expect.stringContaining('once') });
  });
  test('every rule that holds the call gets the people it asks for', () => {
    const requirements = [
      { groups: ['finance'], quorum: 2, escalate: [] },
      { groups: ['legal'], quorum: 1, escalate: [] },
    ];
    const both = aHold(NOW, { terms: { ...ONE_OF_FINANCE, requirements } });
    const finance = after(both, approve(BEN), approve(CLEO));
    expect(finance.status).toBe('pending');
    expect(after(finance, approve(reviewer('dan', ['legal']))).status).toBe('approved');
  });
  test('a person whom two rules accept counts for both', () => {
    const requirements = [
      { groups: ['finance'], quorum: 1, escalate: [] },
      { groups: ['legal'], quorum: 1, escalate: [] },
    ];
    const both = aHold(NOW, { terms: { ...ONE_OF_FINANCE, requirements } });
    expect(after(both, approve(reviewer('fay', ['finance', 'legal']))).status).toBe('approved');
  });
  test('each vote is recorded, and the approval once', () => {
    const result = transition(aHold(NOW), approve(), NOW);
    expect('events' in result && result.events.map((event) => event.type)).toEqual(['hold.voted', 'hold.approved']);
  });
  test('a decision on a revision that has changed is stale', () => {
    const changed = aHold(NOW, { revision: 2 });
    for (const command of [approve(), reject(), claim(), edit()]) {
      expect(refusal(changed, command)).toMatchObject({ refused: 'stale' });
    }
  });
  test('asking again voids the votes and begins a new revision under the new terms', () => {
    const approved = after(aHold(NOW), approve());
    const again = at(approved, { type: 'reopen', ...judged(TWO_OF_FINANCE) }, NOW + 5);
    expect(again).toMatchObject({
      status: 'pending',
      revision: 2,
      terms: TWO_OF_FINANCE,
      policyRevision: 'p2',
      redeemBy: null,
    });
    expect(again.expiresAt).toBe(NOW + 5 + TWO_OF_FINANCE.expiresIn);
    expect(after(again, approve(BEN, 2)).status).toBe('pending');
  });
});

describe('standing in for somebody', () => {
  const IVAN: Reviewer = { ...reviewer('ivan', []), standsInFor: [{ id: BEN.id, groups: ['finance'] }] };

  test('a deputy of a member may approve, and the vote names both', () => {
    const approved = after(aHold(NOW), approve(IVAN));
    expect(approved.status).toBe('approved');
    expect(approved.votes).toMatchObject([{ reviewer: IVAN.id, for: BEN.id, groups: ['finance'] }]);
  });
  test('a deputy and the person represented count once together, in either order', () => {
    const hold = aHold(NOW, { terms: TWO_OF_FINANCE });
    expect(refusal(after(hold, approve(IVAN)), approve(BEN))).toMatchObject({ refused: 'state' });
    expect(refusal(after(hold, approve(BEN)), approve(IVAN))).toMatchObject({ refused: 'state' });
  });
  test('a deputy of the owner has the owner’s eyes', () => {
    const forOwner: Reviewer = {
      ...reviewer('ivan', []),
      standsInFor: [{ id: 'ana@example.com', groups: ['finance'] }],
    };
    expect(refusal(aHold(NOW), approve(forOwner))).toMatchObject({ refused: 'forbidden' });
  });
});

describe('an edit', () => {
  test('an edit makes a new revision with another digest and voids the votes before it', () => {
    const hold = after(aHold(NOW, { terms: TWO_OF_FINANCE }), approve(CLEO), edit(BEN, TWO_OF_FINANCE));
    expect(hold).toMatchObject({ status: 'pending', revision: 2, digest: 'f'.repeat(64), editors: [BEN.id] });
    expect(hold.askedDigest).toBe('d'.repeat(64));
    expect(after(hold, approve(CLEO, 2)).status).toBe('approved');
  });
  test('an edit is never approved by its editor alone', () => {
    const hold = after(aHold(NOW), edit());
    expect(hold.status).toBe('pending');
    expect(refusal(hold, approve(BEN, 2))).toMatchObject({ refused: 'state' });
    expect(after(hold, approve(CLEO, 2)).status).toBe('approved');
  });
  test('an edit is never approved by its editors alone, however many they are', () => {
    const hold = after(aHold(NOW), edit(BEN), edit(CLEO, ONE_OF_FINANCE, 2));
    expect(after(hold, approve(BEN, 3)).status).toBe('pending');
    expect(after(hold, approve(reviewer('fay'), 3)).status).toBe('approved');
  });
  test('an edit asks as the policy asks of the edited call', () => {
    const terms: HoldTerms = { ...ONE_OF_FINANCE, requirements: [{ groups: ['legal'], quorum: 1, escalate: [] }] };
    const hold = after(aHold(NOW), edit(BEN, terms));
    expect(refusal(hold, approve(CLEO, 2))).toMatchObject({ refused: 'forbidden' });
    expect(after(hold, approve(reviewer('dan', ['legal']), 2)).status).toBe('approved');
  });
  test('an edit never prolongs the time to decide', () => {
    const hold = aHold(NOW);
    expect(at(hold, edit(), NOW + MINUTE).expiresAt).toBe(hold.expiresAt);
  });
});

describe('a claim', () => {
  const claimed = after(aHold(NOW), claim());

  test('a claim lasts five minutes and is renewed by its holder', () => {
    expect(claimed.lease).toEqual({ by: BEN.id, since: NOW, until: NOW + LEASE });
    expect(at(claimed, claim(), NOW + MINUTE).lease).toEqual({ by: BEN.id, since: NOW, until: NOW + MINUTE + LEASE });
  });
  test('a claim keeps others from deciding while it lasts, and tells them who and until when', () => {
    for (const command of [approve(CLEO), reject(CLEO), claim(CLEO), escalate(['legal'], CLEO), edit(CLEO)]) {
      const told = refusal(claimed, command);
      expect(told).toMatchObject({ refused: 'leased', detail: expect.stringContaining(BEN.id) });
      expect(told?.detail).toContain(new Date(NOW + LEASE).toISOString());
    }
    expect(after(claimed, approve(BEN)).status).toBe('approved');
  });
  test('a claim is taken over once it has lapsed', () => {
    expect(refusal(claimed, approve(CLEO), NOW + LEASE - 1)).toMatchObject({ refused: 'leased' });
    expect(at(claimed, claim(CLEO), NOW + LEASE).lease?.by).toBe(CLEO.id);
    expect(at(claimed, approve(CLEO), NOW + LEASE).status).toBe('approved');
  });
  test('a claim is let go by its holder alone', () => {
    expect(refusal(claimed, { type: 'unclaim', by: CLEO, ...api })).toMatchObject({ refused: 'state' });
    expect(after(claimed, { type: 'unclaim', by: BEN, ...api }).lease).toBeNull();
  });
  test('a claim ends with the vote, so that the next reviewer may look', () => {
    const voted = after(aHold(NOW, { terms: TWO_OF_FINANCE }), claim(), approve(BEN));
    expect(voted.lease).toBeNull();
  });
  test('a claim does not stop the escalation', () => {
    const terms = {
      ...ONE_OF_FINANCE,
      requirements: [{ groups: ['finance'], quorum: 1, escalate: [{ after: 1000, to: ['leads'] }] }],
    };
    const hold = at(aHold(NOW, { terms }), claim(), NOW);
    expect(at(hold, { type: 'escalate-due' }, NOW + 1000)).toMatchObject({
      lease: { by: BEN.id },
      escalations: [{ to: ['leads'] }],
    });
  });
});

describe('escalation', () => {
  const chain = [
    { after: 10 * MINUTE, to: ['leads'] },
    { after: 20 * MINUTE, to: ['board'] },
  ];
  const terms = { ...ONE_OF_FINANCE, requirements: [{ groups: ['finance'], quorum: 1, escalate: chain }] };
  const hold = aHold(NOW, { terms });

  test('escalation goes step by step while the hold is undecided, and lets each step’s groups decide', () => {
    expect(refusal(hold, approve(LEAD))).toMatchObject({ refused: 'forbidden' });
    expect(hold.escalateAt).toBe(NOW + 10 * MINUTE);
    const first = at(hold, { type: 'escalate-due' }, NOW + 10 * MINUTE);
    expect(first).toMatchObject({
      escalateAt: NOW + 20 * MINUTE,
      escalations: [{ to: ['leads'], by: null, requirement: 0 }],
    });
    expect(after(first, approve(LEAD)).status).toBe('approved');
    expect(after(first, approve(BEN)).status).toBe('approved');
    const second = at(first, { type: 'escalate-due' }, NOW + 20 * MINUTE);
    expect(second).toMatchObject({ escalateAt: null, escalations: [{ to: ['leads'] }, { to: ['board'] }] });
  });
  test('escalation catches up with every step that fell due while nothing ran', () => {
    const late = at(hold, { type: 'escalate-due' }, NOW + 25 * MINUTE);
    expect(late.escalations.flatMap(({ to }) => to)).toEqual(['leads', 'board']);
  });
  test('escalation to a group of the chain comes ahead of time, and is not repeated by the timer', () => {
    const early = after(hold, escalate(['leads']));
    expect(after(early, approve(LEAD)).status).toBe('approved');
    expect(at(early, { type: 'escalate-due' }, NOW + 10 * MINUTE).escalations).toHaveLength(1);
  });
  test('escalation to a group that no rule knows asks for its approval too, and for no fewer people', () => {
    const legal = after(hold, escalate(['legal']));
    const counsel = reviewer('dan', ['legal']);
    expect(after(legal, approve(counsel)).status).toBe('pending');
    expect(after(legal, approve(BEN)).status).toBe('pending');
    expect(after(legal, approve(counsel), approve(BEN)).status).toBe('approved');
  });
  test('escalation to a group that can decide already changes nothing and says so', () => {
    expect(refusal(hold, escalate(['finance']))).toMatchObject({ refused: 'state' });
  });
  test('escalation at expiry asks everybody who is left and waits once more, but only once', () => {
    const escalating = aHold(NOW, { terms: { ...terms, onExpiry: 'escalate' } });
    const extended = at(escalating, { type: 'expire' }, escalating.expiresAt);
    expect(extended).toMatchObject({
      status: 'pending',
      extended: true,
      expiresAt: escalating.expiresAt + terms.expiresIn,
    });
    expect(at(extended, approve(LEAD), extended.expiresAt - 1).status).toBe('approved');
    expect(at(extended, { type: 'expire' }, extended.expiresAt).status).toBe('expired');
  });
  test('escalation brings a person’s group along when the terms change', () => {
    const legal = after(hold, escalate(['legal']), edit(BEN, terms));
    expect(legal.escalations).toMatchObject([{ to: ['legal'], by: BEN.id, requirement: null }]);
  });
});

describe('grants', () => {
  const grant: GrantTerms = { uses: 5, until: NOW + MINUTE, open: ['/amount'] };

  test('grants come with the approval that completes the quorum', () => {
    const result = transition(aHold(NOW), approve(BEN, 1, grant), NOW);
    expect(result).toMatchObject({ hold: { status: 'approved' }, grant });
  });
  test('grants reach as far as the most careful of those who approved', () => {
    const hold = aHold(NOW, { terms: TWO_OF_FINANCE });
    const wide = after(hold, approve(BEN, 1, grant));
    const narrow = transition(wide, approve(CLEO, 1, { uses: 2, until: NOW + 9 * MINUTE, open: [] }), NOW);
    expect(narrow).toMatchObject({ grant: { uses: 2, until: NOW + MINUTE, open: [] } });
    const alone = transition(wide, approve(CLEO), NOW);
    expect('hold' in alone && alone.hold && 'grant' in alone).toBe(false);
  });
  test('grants are refused where policy does not call it reversible, and where the agent says it is not', () => {
    const irreversible = aHold(NOW, { terms: { ...ONE_OF_FINANCE, reversible: null } });
    expect(refusal(irreversible, approve(BEN, 1, grant))).toMatchObject({ refused: 'forbidden' });
    const claimed = aHold(NOW);
    const claims = { ...claimed.claims, reversible: false };
    expect(refusal({ ...claimed, claims }, approve(BEN, 1, grant))).toMatchObject({ refused: 'forbidden' });
  });
  test('grants leave nothing open that a reviewer could not change', () => {
    const open = ['/currency'];
    expect(refusal(aHold(NOW), approve(BEN, 1, { ...grant, open }))).toMatchObject({ refused: 'invalid' });
  });
  test('grants have an end and a number of uses', () => {
    for (const bad of [
      { uses: 0 },
      { uses: 1.5 },
      { uses: 1001 },
      { until: NOW },
      { until: NOW + 31 * 24 * 60 * MINUTE },
    ]) {
      expect(refusal(aHold(NOW), approve(BEN, 1, { ...grant, ...bad }))).toMatchObject({ refused: 'invalid' });
    }
  });
  test('grants do not approve what no approval can', () => {
    const third = aHold(NOW, { terms: { ...ONE_OF_FINANCE, level: 3 } });
    expect(refusal(third, { type: 'redeem', grant: 'grant_1', by: [BEN.id], use: '' })).toMatchObject({
      refused: 'forbidden',
    });
  });
});

describe('taking over', () => {
  const taken = after(aHold(NOW), { type: 'take-over', by: BEN, ...api, note: 'I will call them' });

  test('a call taken over has its outcome reported by the person who took it, once', () => {
    expect(refusal(taken, outcome(CLEO))).toMatchObject({ refused: 'forbidden' });
    const done = after(taken, outcome(BEN));
    expect(done).toMatchObject({
      status: 'taken-over',
      outcome: { result: 'executed', reference: 're_1', by: BEN.id },
    });
    expect(refusal(done, outcome(BEN))).toMatchObject({ refused: 'state' });
  });
});

describe('handoffs', () => {
  test('a relay to an agent is taken by that agent alone', () => {
    const relay = aHandoff(NOW, 'relay', { to: BOT });
    const accept = (by: Reviewer | { agent: string }) => ({ type: 'accept', by, ...api, note: null }) as const;
    expect(refusal(relay, accept(BEN))).toMatchObject({ refused: 'forbidden' });
    expect(refusal(relay, accept({ agent: 'other-bot' }))).toMatchObject({ refused: 'forbidden' });
    expect(after(relay, accept(BOT))).toMatchObject({ status: 'accepted', decidedBy: 'helper-bot' });
  });
  test('a question to one person is that person’s until it is escalated', () => {
    const terms = { ...ONE_OF_FINANCE, requirements: [{ groups: [], quorum: 1, escalate: [] }] };
    const question = aHandoff(NOW, 'exception', { to: { person: BEN.id }, terms });
    const answer = (by: Reviewer) =>
      ({ type: 'answer', by, ...api, answer: { option: null, data: 7 }, note: null }) as const;
    expect(refusal(question, answer(CLEO))).toMatchObject({ refused: 'forbidden' });
    expect(after(question, answer(BEN)).status).toBe('answered');
  });
  test('an agent never decides on an approval', () => {
    const forged = { ...approve(), by: BOT } as unknown as HoldCommand;
    expect(refusal(aHold(NOW), forged)).toMatchObject({ refused: 'forbidden' });
  });
});

describe('time', () => {
  test('an approval after the deadline is refused although no timer has fired', () => {
    const before = aHold(NOW - MINUTE, { expiresAt: NOW });
    expect(refusal(before, approve())).toMatchObject({
      refused: 'state',
      detail: expect.stringContaining(new Date(NOW).toISOString()),
    });
    expect(refusal(before, approve(), NOW - 1)).toBeNull();
  });
  test('a hold does not expire before its time', () => {
    expect(refusal(aHold(NOW, { expiresAt: NOW + 1 }), { type: 'expire' })).toMatchObject({ refused: 'state' });
  });
  test('an approval is released before its time is over, and lapses from then on', () => {
    const approved = aHold(NOW, { status: 'approved', redeemBy: NOW });
    const release = { type: 'release', attempt: 'att_1', by: 'w', key: 'k', policyRevision: 'p1' } as const;
    expect(refusal(approved, release)).toMatchObject({ refused: 'state' });
    expect(refusal(approved, release, NOW - 1)).toBeNull();
    expect(refusal(approved, { type: 'lapse' }, NOW - 1)).toMatchObject({ refused: 'state' });
    expect(after(approved, { type: 'lapse' }).status).toBe('lapsed');
  });
  test('people are reminded at half the time, once', () => {
    const hold = aHold(NOW);
    expect(dueAt(hold)).toBe(NOW + 15 * MINUTE);
    expect(dueCommand(hold, NOW + 15 * MINUTE - 1)).toBeNull();
    expect(dueCommand(hold, NOW + 15 * MINUTE)).toEqual({ type: 'remind' });
    const reminded = at(hold, { type: 'remind' }, NOW + 15 * MINUTE);
    expect(dueCommand(reminded, NOW + 16 * MINUTE)).toBeNull();
    expect(dueAt(reminded)).toBe(hold.expiresAt);
  });
  test('nothing is due once people have decided, but the collection of an approval', () => {
    expect(dueAt(after(aHold(NOW), reject()))).toBeNull();
    expect(dueAt(after(aHold(NOW), approve()))).toBe(NOW + REDEEM_WITHIN);
  });
});

test('whoever comes too late is told who decided, and when', () => {
  const rejected = after(aHold(NOW), reject());
  expect(refusal(rejected, approve(CLEO))?.detail).toBe(
    `Already rejected by ben@example.com at ${new Date(NOW).toISOString()}.`,
  );
});

describe('what became of it', () => {
  const releasing = aHold(NOW, { status: 'approved', execution: 'releasing', attempt: ATTEMPT });
  const unknown = (resendAt: number | null) =>
    after(releasing, { type: 'indeterminate', attempt: 'att_1', reason: 'reset', resendAt });

  test('what became of a call is said by the attempt that holds the release alone', () => {
    expect(refusal(releasing, executed('att_2'))).toMatchObject({ refused: 'state' });
    expect(after(releasing, executed('att_1'))).toMatchObject({
      execution: 'executed',
      upstreamStatus: 200,
    });
  });
  test('what became of a call is the truth even after the attempt was given up', () => {
    expect(after(unknown(null), executed('att_1')).execution).toBe('executed');
  });
  test('a call of unknown outcome is tried again under the same key, and then only the new attempt may tell', () => {
    const resent = after(unknown(NOW), { type: 'resend', attempt: 'att_2', by: 'control', policyRevision: 'p1' });
    expect(resent).toMatchObject({ execution: 'releasing', attempt: { id: 'att_2', key: 'key-1', number: 2 } });
    expect(refusal(resent, executed('att_1'))).toMatchObject({ refused: 'state' });
    expect(refusal(resent, { type: 'failed', attempt: 'att_2', reason: 'refused' })).toMatchObject({
      refused: 'state',
    });
  });
  test('what became of a call is found out by a person with evidence, when nothing is sent again', () => {
    expect(refusal(unknown(NOW + 1), outcome(BEN))).toMatchObject({ refused: 'state' });
    expect(refusal(unknown(null), { ...outcome(BEN), reference: null })).toMatchObject({ refused: 'invalid' });
    expect(after(unknown(null), outcome(BEN))).toMatchObject({
      execution: 'confirmed-executed',
      outcome: { by: BEN.id },
    });
    const not = { ...outcome(reviewer('ana', [])), result: 'not-executed' } as const;
    expect(after(unknown(null), not).execution).toBe('confirmed-not');
    expect(refusal(unknown(null), outcome(reviewer('dan', ['legal'])))).toMatchObject({ refused: 'forbidden' });
  });
});
