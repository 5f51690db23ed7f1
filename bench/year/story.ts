import type { Event, Failure } from '../../gateway/domain/event.ts';
import type { HoldStatus } from '../../gateway/domain/hold.ts';

/** What became of a held call, told from outside: what the events of `hold-story.ts` have to add up to. */
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
  /** What a reviewer changed. */
  readonly edited: readonly string[];
  readonly escalations: number;
  readonly reminders: number;
};

/** What happened to one call, and the events that tell it. Reports are checked against the first, and fed the second. */
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
  /** What failed first, over the whole of its life. */
  readonly failure: Failure | null;
  /** Whether the system did what was asked: it answered below 400. */
  readonly executed: boolean;
  readonly upstreamMs: number | null;
  /** What the gateway added to the time of an allowed call that had its answer from the system; null for others. */
  readonly addedMs: number | null;
  readonly cost: { readonly amount: number; readonly unit: string } | null;
  /** The second one does what a person asked for in rejecting the first: the same operation, task and path. */
  readonly attempt: 1 | 2;
  readonly hold: HoldStory | null;
  /** The agent sent the same call again while it was held: this is that other call. */
  readonly attachedCallId: string | null;
  readonly events: readonly Event[];
};
