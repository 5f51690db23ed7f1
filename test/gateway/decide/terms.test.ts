import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HoldMembers, termsOf } from '../../../gateway/decide/terms.ts';
import { strictest } from '../../../gateway/domain/terms.ts';
import type { HoldTerms, Requirement } from '../../../gateway/domain/decision.ts';
import { isPlaceWithin } from '../../../gateway/domain/open-place.ts';
import { isWithin } from '../../../gateway/json/pointer.ts';

const minutes = 60_000;
const estimate = 'probabilistic';

describe('the terms of one rule', () => {
  it('a rule that sets no terms has sensible ones', () => {
    expect(termsOf([{}])).toEqual({
      level: 2,
      requirements: [{ groups: [], quorum: 1, escalate: [] }],
      expiresIn: 30 * minutes,
      respondWithin: 15 * minutes,
      onExpiry: 'block',
      editable: [],
      ownerMayApprove: false,
      reversible: null,
    });
  });

  it('a rule has the terms that it sets', () => {
    const escalate = [
      { after: 20 * minutes, to: ['board'] },
      { after: 10 * minutes, to: ['leads'] },
    ];
    const rule: HoldMembers = {
      level: 3,
      reviewers: ['finance'],
      quorum: 2,
      escalate,
      expires_in: 60 * minutes,
      respond_within: 5 * minutes,
      on_expiry: 'escalate',
      editable: ['/amount'],
      owner_may_approve: true,
      reversible: false,
    };
    expect(termsOf([rule])).toEqual({
      level: 3,
      requirements: [{ groups: ['finance'], quorum: 2, escalate: escalate.toReversed() }],
      expiresIn: 60 * minutes,
      respondWithin: 5 * minutes,
      onExpiry: 'escalate',
      editable: ['/amount'],
      ownerMayApprove: true,
      reversible: false,
    });
  });

  it('reviewers are asked to answer within half the time of the hold, and never after it ends', () => {
    expect(termsOf([{ expires_in: 10 * minutes }]).respondWithin).toBe(5 * minutes);
    expect(termsOf([{ expires_in: 10 * minutes, respond_within: 60 * minutes }]).respondWithin).toBe(10 * minutes);
  });
});

describe('the terms of several rules that hold one call', () => {
  it('the highest level and the shortest times of all rules apply', () => {
    const long = { level: 3, expires_in: 120 * minutes, respond_within: 90 * minutes } as const;
    expect(termsOf([long, {}])).toMatchObject({ level: 3, expiresIn: 120 * minutes, respondWithin: 90 * minutes });
    expect(termsOf([long, { expires_in: 60 * minutes }])).toMatchObject({
      expiresIn: 60 * minutes,
      respondWithin: 60 * minutes,
    });
    expect(termsOf([long, { respond_within: 2 * minutes }])).toMatchObject({ respondWithin: 2 * minutes });
  });

  it('the reviewers of each rule are asked, even if the rules share no group', () => {
    expect(termsOf([{ reviewers: ['finance'] }, { reviewers: ['legal'], quorum: 2 }]).requirements).toEqual([
      { groups: ['finance'], quorum: 1, escalate: [] },
      { groups: ['legal'], quorum: 2, escalate: [] },
    ]);
  });

  it('reviewers named by two rules are asked once, in the number that the stricter rule requires', () => {
    const rules = [
      { reviewers: ['finance', 'legal'] },
      { reviewers: ['legal', 'finance'], quorum: 3 },
      { reviewers: ['finance', 'legal'], quorum: 2 },
    ];
    expect(termsOf(rules).requirements).toEqual([{ groups: ['legal', 'finance'], quorum: 3, escalate: [] }]);
  });

  it('the escalation chains of two rules stay apart, so that no reviewer joins one through the other', () => {
    const escalate = [{ after: 5 * minutes, to: ['leads'] }];
    expect(termsOf([{ reviewers: ['finance'], escalate }, { reviewers: ['finance'] }]).requirements).toEqual([
      { groups: ['finance'], quorum: 1, escalate },
      { groups: ['finance'], quorum: 1, escalate: [] },
    ]);
  });

  it('rules that require any reviewer add nothing to rules that name reviewers', () => {
    expect(termsOf([{}, { reviewers: ['finance'] }]).requirements).toEqual([
      { groups: ['finance'], quorum: 1, escalate: [] },
    ]);
    expect(termsOf([{ quorum: 2 }, { reviewers: ['finance'] }]).requirements).toEqual([
      { groups: [], quorum: 2, escalate: [] },
      { groups: ['finance'], quorum: 1, escalate: [] },
    ]);
  });

  it('a place is editable if every rule that lists editable places lists it', () => {
    const editable = (...each: (string[] | null)[]) =>
      termsOf(each.map((pointers) => (pointers ? { editable: pointers } : {}))).editable;
    expect(editable(['/amount', '/note'], ['/amount'])).toEqual(['/amount']);
    expect(editable(['/amount'], null)).toEqual(['/amount']);
    expect(editable(['/amount'], [])).toEqual([]);
    expect(editable(null, null)).toEqual([]);
    expect(editable(['/items', '/note'], ['/items/0/note', '/no'])).toEqual(['/items/0/note']);
    expect(editable(['/a/b'], [''])).toEqual(['/a/b']);
  });

  it('a place may stay open if every rule that lists open places lists it', () => {
    const open = (...each: (string[] | null)[]) => termsOf(each.map((places) => (places ? { open: places } : {}))).open;
    expect(open(['path:/a/{id}', '/note'], ['path:/a/{id}'])).toEqual(['path:/a/{id}']);
    expect(open(['path:/a/{id}'], null)).toEqual(['path:/a/{id}']);
    expect(open(['path:/a/{id}'], ['path:/a/{id}/b', 'query:a'])).toBeUndefined();
    expect(open(['path:/a/{id}'], [''])).toBeUndefined();
    expect(open(['/items'], ['/items/0/note'])).toEqual(['/items/0/note']);
    expect(open(null)).toBeUndefined();
  });

  it('what terms do not leave open, no further terms do', () => {
    const closed = termsOf([{ reviewers: ['finance'] }]);
    const apart = termsOf([{ open: ['query:a'] }, { open: ['query:b'] }]);
    const generous = termsOf([{ open: ['query:a'] }]);
    expect(strictest([closed, generous]).open).toBeUndefined();
    expect(strictest([apart, generous]).open).toBeUndefined();
    expect(termsOf([{ reviewers: ['finance'] }, { trigger: 'probabilistic', open: ['query:a'] }]).open).toBeUndefined();
  });

  it('the owner may approve only if every rule allows it', () => {
    expect(termsOf([{ owner_may_approve: true }, {}]).ownerMayApprove).toBe(false);
    expect(termsOf([{ owner_may_approve: true }, { owner_may_approve: true }]).ownerMayApprove).toBe(true);
  });

  it('a hold ends at expiry if any rule wants that, and escalates only if one asks for it', () => {
    expect(termsOf([{ on_expiry: 'escalate' }, {}]).onExpiry).toBe('escalate');
    expect(termsOf([{ on_expiry: 'escalate' }, { on_expiry: 'block' }]).onExpiry).toBe('block');
  });

  it('a call is irreversible if any rule says so', () => {
    expect(termsOf([{ reversible: true }, { reversible: false }, {}]).reversible).toBe(false);
    expect(termsOf([{ reversible: true }, {}]).reversible).toBe(true);
    expect(termsOf([{}, {}]).reversible).toBeNull();
  });
});

describe('estimates combined with plain rules', () => {
  it('an estimate adds nothing that plain rules leave out', () => {
    const generous: HoldMembers = {
      trigger: estimate,
      expires_in: 600 * minutes,
      respond_within: 500 * minutes,
      escalate: [{ after: 1, to: ['crowd'] }],
      on_expiry: 'escalate',
      editable: [''],
      owner_may_approve: true,
      reversible: true,
    };
    expect(termsOf([{ reviewers: ['finance'] }, generous])).toEqual({
      ...termsOf([{ reviewers: ['finance'] }]),
      requirements: [
        { groups: ['finance'], quorum: 1, escalate: [] },
        { groups: [], quorum: 1, escalate: [{ after: 1, to: ['crowd'] }] },
      ],
    });
    expect(termsOf([generous])).toMatchObject({ editable: [''], expiresIn: 600 * minutes, reversible: true });
  });

  it('an estimate makes the terms of plain rules stricter', () => {
    const strict: HoldMembers = { trigger: estimate, level: 3, expires_in: minutes, editable: [], reversible: false };
    expect(termsOf([{ editable: ['/amount'], reversible: true }, strict])).toMatchObject({
      level: 3,
      expiresIn: minutes,
      editable: [],
      reversible: false,
    });
  });
});

describe('properties of combined terms', () => {
  const group = fc.constantFrom('finance', 'legal', 'leads');
  const groups = fc.uniqueArray(group, { maxLength: 2 });
  const time = fc.integer({ min: 1, max: 120 }).map((each) => each * minutes);
  const step = fc.record({ after: time, to: fc.uniqueArray(group, { minLength: 1, maxLength: 2 }) });
  const pointer = fc.constantFrom('', '/a', '/a/b', '/a/0', '/b', '/b/c');
  const rules = (...triggers: ('rule' | 'probabilistic')[]): fc.Arbitrary<HoldMembers> =>
    fc.record(
      {
        trigger: fc.constantFrom(...triggers),
        level: fc.constantFrom(2, 3),
        reviewers: groups,
        quorum: fc.integer({ min: 1, max: 3 }),
        escalate: fc.array(step, { maxLength: 2 }),
        expires_in: time,
        respond_within: time,
        on_expiry: fc.constantFrom('block', 'escalate'),
        editable: fc.uniqueArray(pointer, { maxLength: 3 }),
        open: fc.uniqueArray(
          fc.constantFrom('path:/a/{id}', 'path:/a/{id}/b', 'query:a', 'query:a/b', '', '/a', '/a/b'),
          {
            maxLength: 3,
          },
        ),
        owner_may_approve: fc.boolean(),
        reversible: fc.boolean(),
      },
      { requiredKeys: ['trigger'] },
    ) as fc.Arbitrary<HoldMembers>;

  it('no rule makes the terms weaker in any member that another rule sets', () => {
    const some = fc.array(rules('rule', 'probabilistic'), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(some, (all) => {
        const terms = termsOf(all);
        expect(all.flatMap((rule) => weakerThanRule(terms, rule))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('an estimate never makes the terms of plain rules weaker', () => {
    const some = fc.array(rules('rule'), { minLength: 1, maxLength: 3 });
    const estimates = fc.array(rules('probabilistic'), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(some, estimates, fc.nat(), (plain, estimated, turn) => {
        const all = [...plain, ...estimated];
        const at = turn % all.length;
        expect(weakerThan(termsOf([...all.slice(at), ...all.slice(0, at)]), termsOf(plain))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('combined terms are as strict as each of them, in any order', () => {
    const some = fc.array(fc.array(rules('rule', 'probabilistic'), { minLength: 1, maxLength: 2 }).map(termsOf), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(some, (all) => {
        const terms = strictest(all);
        expect(all.flatMap((each) => weakerThan(terms, each))).toEqual([]);
        expect(weakerThan(strictest(all.toReversed()), terms)).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('terms combined with themselves stay the same', () => {
    fc.assert(
      fc.property(rules('rule'), (rule) => {
        const terms = termsOf([rule]);
        expect(strictest([terms, terms])).toEqual(terms);
      }),
    );
  });
});

/** The members in which terms are weaker than a rule requires. */
function weakerThanRule(terms: HoldTerms, rule: HoldMembers): string[] {
  return weakerThan(terms, {
    ...termsOf([rule]),
    expiresIn: rule.expires_in ?? Infinity,
    respondWithin: rule.respond_within ?? Infinity,
    onExpiry: rule.on_expiry ?? 'escalate',
    editable: rule.editable ?? [''],
    open: rule.open ?? terms.open ?? [],
  });
}

/** The members in which terms are weaker than other terms. */
function weakerThan(terms: HoldTerms, other: HoldTerms): string[] {
  const asStrict: Record<keyof HoldTerms, boolean> = {
    level: terms.level >= other.level,
    requirements: other.requirements.every((one) => terms.requirements.some((each) => implies(each, one))),
    expiresIn: terms.expiresIn <= other.expiresIn,
    respondWithin: terms.respondWithin <= other.respondWithin,
    onExpiry: terms.onExpiry === 'block' || other.onExpiry === 'escalate',
    editable: terms.editable.every((place) => other.editable.some((above) => isWithin(place, above))),
    open: (terms.open ?? []).every((place) => (other.open ?? []).some((above) => isPlaceWithin(place, above))),
    ownerMayApprove: !terms.ownerMayApprove || other.ownerMayApprove,
    reversible: terms.reversible === false || other.reversible !== false,
    rejectionStands: (terms.rejectionStands ?? 0) >= (other.rejectionStands ?? 0),
  };
  return Object.entries(asStrict).flatMap(([member, strict]) => (strict ? [] : [member]));
}

/** Whether reviewers who meet one requirement also meet the other, now and after every step of escalation. */
function implies(one: Requirement, other: Requirement): boolean {
  if (one.quorum < other.quorum) return false;
  if (other.groups.length === 0 && other.escalate.length === 0) return true;
  return (
    one.groups.toSorted().join() === other.groups.toSorted().join() &&
    JSON.stringify(one.escalate) === JSON.stringify(other.escalate)
  );
}
