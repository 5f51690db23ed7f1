import type { ExactJson } from '../../../gateway/json/exact-json.ts';
import type { CallStory } from '../server/shapes.ts';
import type { Step } from '../calls/step-words.ts';

type Decided = Step & {
  readonly masked?: readonly string[];
  readonly policy_revision?: string;
  readonly level?: number;
  readonly groups?: readonly string[];
};

/** What the record keeps of how policy judged a call. */
export type RecordedCall = {
  readonly verdict: string;
  readonly reason: string;
  readonly rules: readonly string[];
  readonly revision: string;
  readonly at: string;
  /** Of its hold; null without one. */
  readonly level: number | null;
  readonly groups: readonly string[];
  /** Null if the record kept none. */
  readonly input: ExactJson | null;
  /** Places of the input that are masked, as JSON pointers. */
  readonly masked: readonly string[];
  /** Why there is no input; null if there is. */
  readonly dropped: string | null;
};

const WHY_DROPPED: Readonly<Record<string, string>> = {
  '!too-large': 'it was larger than the record keeps',
  '!mask-failed': 'what is secret in it could not be masked',
};

/** @returns null if policy did not judge the call, or that is not on record yet */
export function recordedCall({ events }: CallStory): RecordedCall | null {
  const steps = events as readonly Decided[];
  const decided = steps.find(({ type }) => type === 'call.decided');
  if (!decided) return null;
  const { verdict = '', reason = '', rules = [], policy_revision: revision = '', at, masked = [] } = decided;
  const opened = steps.find(({ type }) => type === 'hold.opened');
  const input = (decided.input ?? null) as ExactJson | null;
  const why = masked.find((place) => Object.hasOwn(WHY_DROPPED, place));
  return {
    verdict,
    reason,
    rules,
    revision,
    at,
    level: opened?.level ?? null,
    groups: opened?.groups ?? [],
    input,
    masked: masked.filter((place) => place.startsWith('/') || place === '!more'),
    dropped: input === null ? (why === undefined ? 'it was not recorded' : WHY_DROPPED[why]!) : null,
  };
}
