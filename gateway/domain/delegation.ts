import type { HoldRefusal } from './hold-command.ts';
import type { Channel, Reviewer } from './principal.ts';

/** The longest period of a delegation, in milliseconds. */
export const LONGEST_DELEGATION = 90 * 24 * 3_600_000;

/** `to` decides in the place of `from` for a dated period. */
export type Delegation = {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly since: number;
  readonly until: number;
  readonly createdAt: number;
};

export type DelegationStore = {
  /** Those that are or will be in force. */
  list(now: number): Promise<Delegation[]>;
  /** Refused as `invalid` when it is to oneself, or for no time, time past or more than `LONGEST_DELEGATION`. */
  add(
    delegation: Pick<Delegation, 'from' | 'to' | 'since' | 'until'>,
    channel: Channel,
  ): Promise<Delegation | HoldRefusal>;
  /** The reviewer, with the people for whom the reviewer stands in now. `apply` does this with every command. */
  standIn(reviewer: Reviewer): Promise<Reviewer>;
  /** Null when there is none that has not ended. */
  end(id: string, by: string, channel: Channel): Promise<Delegation | null>;
};
