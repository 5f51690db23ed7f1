import type { Clock } from '../gateway/domain/clock.ts';
import type { CallLog } from '../gateway/domain/event.ts';
import type { Hold, HoldCommand, HoldRefusal, HoldStore } from '../gateway/domain/hold.ts';
import type { Reviewer } from '../gateway/domain/principal.ts';

/** What `GET /api/policy` tells: what decides now, and what was refused since. */
export type PolicyStatus = {
  /** Hash of the bundle that decides; null while none does. */
  readonly revision: string | null;
  /** Milliseconds since the epoch. */
  readonly activatedAt: number | null;
  /** Every rule of the bundle, as `<package>/<name>`. */
  readonly rules: readonly string[];
  /** Why the newest change to the policies is not in force; null when it is. */
  readonly refused: { readonly at: number; readonly reason: string } | null;
};

export type Policy = {
  status(): PolicyStatus;
  /** A dry run: what the policy in force would decide on `input`. Nothing is recorded, nothing happens. */
  evaluate(input: unknown): unknown;
};

export type Readiness = {
  readonly ready: boolean;
  /** Each part by name: `ok`, or in a few words why it is not. */
  readonly checks: Readonly<Record<string, string>>;
};

export type Log = {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** Everything that the admin listener needs from the rest of the gateway. */
export type AdminDeps = {
  readonly holds: Pick<HoldStore, 'find' | 'list' | 'call' | 'apply'>;
  /** The state machine, asked what a command would do: the page must offer what the machine will accept. Changes nothing. */
  readonly transition: (hold: Hold, command: HoldCommand, now: number) => { readonly hold: Hold } | HoldRefusal;
  readonly calls: CallLog;
  readonly policy: Policy;
  /** The reviewer to whom a token belongs. */
  readonly authenticate: (token: string) => Reviewer | null;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly readiness: () => Readiness;
  readonly log: Log;
  readonly clock: Clock;
};
