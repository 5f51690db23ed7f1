import { milliseconds } from '../time/duration.ts';

/** An event of a call: the members of `holdpoint.events` that the page reads. */
export type Step = {
  readonly event_id: string;
  /** RFC 3339. */
  readonly at: string;
  readonly type: string;
  readonly verdict?: string;
  readonly rules?: readonly string[];
  readonly reason?: string;
  readonly status?: number;
  readonly code?: string;
  readonly took_ms?: number;
  readonly actor?: string;
  readonly actor_kind?: string;
  readonly channel?: string;
  readonly input?: unknown;
};

/** What happened, as a sentence. A type that this console does not know is told by its name. */
export function sentenceOf(step: Step): string {
  const { type, reason } = step;
  switch (type) {
    case 'call.decided':
      return ended(`Policy said ${step.verdict ?? 'nothing'}${byRules(step.rules)}`, reason);
    case 'call.completed':
      return ended(answer(step), step.code);
    case 'hold.executed':
      return ended(`The system answered with ${step.status ?? 0}`);
    default:
      return ended(sentenceCase(type), step.code ? `${step.code}${reason ? `, ${reason}` : ''}` : reason);
  }
}

/** Who did it, and through which channel; null for the steps of the gateway itself. */
export function whoOf({ actor = '', actor_kind, channel = '' }: Step): string | null {
  if (actor === '' || actor_kind === 'gateway') return null;
  return `by ${actor}${channel === '' ? '' : `, ${channel}`}`;
}

function answer({ status, took_ms = 0 }: Step): string {
  const time = took_ms > 0 ? ` after ${milliseconds(took_ms)}` : '';
  return status === undefined ? `The agent left${time}` : `The agent was answered with ${status}${time}`;
}

function byRules(rules: readonly string[] = []): string {
  return rules.length === 0 ? '' : `, by ${rules.join(', ')}`;
}

/** `hold.taken-over` → `Hold taken over` */
function sentenceCase(type: string): string {
  const words = type.replaceAll(/[._-]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function ended(sentence: string, words?: string): string {
  return words === undefined || words === '' ? `${sentence}.` : `${sentence}: ${words}`;
}
