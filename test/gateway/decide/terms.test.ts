import { describe, expect, it } from 'vitest';
import { strictest, termsOf } from '../../../gateway/decide/terms.ts';
import type { HoldTerms } from '../../../gateway/domain/decision.ts';

const terms = (given: Partial<HoldTerms>): HoldTerms => ({ ...termsOf({}), ...given });
const minutes = 60_000;

describe('the terms of several rules that hold one call', () => {
  it('are those of the rule when there is one', () => {
    const only = terms({ reviewers: ['finance'], escalate: [{ after: 10 * minutes, to: ['leads'] }] });
    expect(strictest([only])).toEqual(only);
  });

  it('take the highest level and quorum and the shortest time', () => {
    expect(
      strictest([terms({ level: 3, expiresIn: 60 * minutes }), terms({ quorum: 2, expiresIn: 5 * minutes })]),
    ).toMatchObject({ level: 3, quorum: 2, expiresIn: 5 * minutes });
  });

  it('leave to reviewers only the groups that every rule accepts', () => {
    expect(
      strictest([terms({ reviewers: ['finance', 'leads'] }), terms({ reviewers: ['legal', 'leads'] })])?.reviewers,
    ).toEqual(['leads']);
  });

  it('keep the named reviewers beside a rule that accepts any', () => {
    expect(strictest([terms({}), terms({ reviewers: ['finance'] })])?.reviewers).toEqual(['finance']);
  });

  it('cannot be met when the rules name reviewers without a common group', () => {
    expect(strictest([terms({ reviewers: ['finance'] }), terms({ reviewers: ['legal'] })])).toBeNull();
  });

  it('leave editable only what every rule leaves editable', () => {
    expect(strictest([terms({ editable: ['/amount', '/note'] }), terms({ editable: ['/amount'] })])?.editable).toEqual([
      '/amount',
    ]);
    expect(strictest([terms({ editable: ['/amount'] }), terms({})])?.editable).toEqual([]);
  });

  it('let the owner approve only if every rule does', () => {
    expect(strictest([terms({ ownerMayApprove: true }), terms({})])?.ownerMayApprove).toBe(false);
    expect(strictest([terms({ ownerMayApprove: true }), terms({ ownerMayApprove: true })])?.ownerMayApprove).toBe(true);
  });

  it('escalate to a group once every rule accepts it, and not after the hold has expired', () => {
    const finance = terms({
      reviewers: ['finance'],
      escalate: [
        { after: 5 * minutes, to: ['leads'] },
        { after: 10 * minutes, to: ['board'] },
        { after: 40 * minutes, to: ['finance'] },
      ],
    });
    const strict = terms({ reviewers: ['finance'], escalate: [{ after: 20 * minutes, to: ['leads'] }] });
    expect(strictest([finance, strict])?.escalate).toEqual([{ after: 20 * minutes, to: ['leads'] }]);
    expect(strictest([finance, terms({})])?.escalate).toEqual([
      { after: 5 * minutes, to: ['leads'] },
      { after: 10 * minutes, to: ['board'] },
    ]);
  });
});
