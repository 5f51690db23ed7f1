import type { Event, Failure } from '../../gateway/domain/event.ts';
import type { HoldStatus } from '../../gateway/domain/hold.ts';

/** The outcome of a held call, as the events of `hold-story.ts` must add up to it. */
export type HoldStory = {
  readonly holdId: string;
  readonly rule: string;
  readonly group: string;
  readonly openedAt: number;
  readonly respondWithin: number;
  readonly status: HoldStatus;
  /** Who decided: a person, an earlier approval that covers it (`grant_…`), or `holdpoint` when time ran out. */
  readonly decidedBy: string;
  readonly byPerson: boolean;
  readonly decidedAt: number;
  readonly code: string | null;
  /** The edit of a reviewer. */
  readonly edited: readonly string[];
  readonly escalations: number;
  readonly reminders: number;
};

/**
 * The outcome of one call, and the events that tell it. Reports read the events and are checked against the outcome.
 */
export type Story = {
  readonly callId: string;
  readonly at: number;
  readonly agent: string;
  readonly owner: string;
  readonly system: string;
  readonly operation: string;
  readonly method: string;
  readonly verdict: 'allow' | 'hold' | 'block';
  /** The first rule that matched. */
  readonly rule: string;
  readonly trigger: NonNullable<Event['trigger']>;
  readonly confidence: number | null;
  readonly task: string | null;
  readonly decideUs: number;
  /** The first failure in its whole life. */
  readonly failure: Failure | null;
  /** Whether the system did what was asked: it answered below 400. */
  readonly executed: boolean;
  readonly upstreamMs: number | null;
  /** The time that the gateway added to an allowed call with an answer from the system; null for others. */
  readonly addedMs: number | null;
  readonly cost: { readonly amount: number; readonly unit: string } | null;
  /** The second one does what a person asked for in rejecting the first: the same operation, task and path. */
  readonly attempt: 1 | 2;
  readonly hold: HoldStory | null;
  /** The agent sent the same call again while it was held: this is that other call. */
  readonly attachedCallId: string | null;
  readonly events: readonly Event[];
};
