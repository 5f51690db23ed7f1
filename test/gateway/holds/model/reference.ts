import type { Reviewer } from '../../../../gateway/domain/principal.ts';
import { reviewer } from '../../../helpers/hold.ts';

/**
 * What a hold should do, in as few words as possible: no store, no events, no clock of its own. The
 * commands ask it what to expect, and compare with what the real thing does.
 */
export type Person = Reviewer;

export const ANA = reviewer('ana');
export const BEN = reviewer('ben');
export const CLEO = reviewer('cleo');
export const DAN = reviewer('dan', ['legal']);
export const EVE = reviewer('eve', ['sales']);
export const PEOPLE = [ANA, BEN, CLEO, DAN, EVE] as const;

/** Three calls that an agent of ana's makes again and again; who has to approve each. */
export const CALLS = [
  [{ groups: ['finance'], quorum: 1 }],
  [{ groups: ['finance'], quorum: 2 }],
  [
    { groups: ['finance'], quorum: 1 },
    { groups: ['legal'], quorum: 1 },
  ],
] as const;

export const EXPIRES_IN = 30 * 60_000;
export const REDEEM_WITHIN = 24 * 3_600_000;
export const LEASE = 5 * 60_000;
/** By how much clocks may differ. */
export const CLOCK_SKEW = 60_000;

export const REJECTION_STANDS = 10 * 60_000;

export type Expected = {
  readonly id: string;
  readonly call: number;
  readonly handle: boolean;
  revision: number;
  status: string;
  execution: string;
  expiresAt: number;
  redeemBy: number;
  /** Who approved the present revision. */
  approved: Person[];
  editors: Set<string>;
  /** Until when a rejection answers identical calls. */
  rejectedUntil: number;
  lease: { by: string; until: number } | null;
  /** How often it went out. */
  sends: number;
};

export type Model = {
  now: number;
  /** The latest that it has been. */
  latest: number;
  suspended: boolean;
  readonly holds: Expected[];
};

/** What time has made of a hold by now. */
export function settle(model: Model, hold: Expected): void {
  if (hold.status === 'pending' && model.now >= hold.expiresAt) hold.status = 'expired';
  if (hold.status === 'approved' && hold.execution === 'none' && model.now >= hold.redeemBy) hold.status = 'lapsed';
}

/** The hold to which an identical call belongs. */
export function openHold(model: Model, call: number): Expected | undefined {
  for (const hold of model.holds) settle(model, hold);
  return model.holds.find((hold) => hold.call === call && isOpen(hold));
}

/** The rejection that still answers an identical call: the newest. */
export function standingRejection(model: Model, call: number): Expected | undefined {
  const newest = model.holds.findLast((hold) => hold.call === call && hold.status === 'rejected');
  return newest && model.now < newest.rejectedUntil ? newest : undefined;
}

export function rejected(model: Model, hold: Expected): void {
  hold.status = 'rejected';
  hold.rejectedUntil = model.now + REJECTION_STANDS;
}

function isOpen({ status, execution }: Expected): boolean {
  return status === 'pending' || (status === 'approved' && ['none', 'releasing', 'indeterminate'].includes(execution));
}

export function isMember(call: number, person: Person): boolean {
  return CALLS[call]!.some(({ groups }) => groups.some((group) => person.groups.includes(group)));
}

export function mayDecide(model: Model, hold: Expected, person: Person): boolean {
  settle(model, hold);
  const free = hold.lease === null || model.now >= hold.lease.until || hold.lease.by === person.id;
  return hold.status === 'pending' && isMember(hold.call, person) && free;
}

export function mayApprove(model: Model, hold: Expected, person: Person): boolean {
  return mayDecide(model, hold, person) && person !== ANA && !hold.approved.includes(person);
}

export function isApproved(hold: Expected): boolean {
  const enough = CALLS[hold.call]!.every(
    ({ groups, quorum }) =>
      hold.approved.filter((person) => groups.some((group) => person.groups.includes(group))).length >= quorum,
  );
  return enough && hold.approved.some(({ id }) => !hold.editors.has(id));
}
