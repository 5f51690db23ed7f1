import type { RuleSource } from '../gateway/domain/bundle.ts';
import type { Amend, EditBody } from '../gateway/domain/amendment.ts';
import type { Clock } from '../gateway/domain/clock.ts';
import type { CallLog } from '../gateway/domain/call-log.ts';
import type { CallHold, HeldCall, Hold } from '../gateway/domain/hold.ts';
import type { HoldCommand, HoldRefusal } from '../gateway/domain/hold-command.ts';
import type { DeclaredOperation } from '../gateway/domain/declared-operation.ts';
import type { RulePlace } from '../gateway/domain/decision.ts';
import type { DelegationStore } from '../gateway/domain/delegation.ts';
import type { GrantStore } from '../gateway/domain/grant.ts';
import type { HoldContents } from '../gateway/domain/hold-contents.ts';
import type { HoldStore } from '../gateway/domain/hold-store.ts';
import type { Openable } from '../gateway/domain/open-place.ts';
import type { NotificationStore } from '../gateway/domain/notification.ts';
import type { PreferenceStore } from '../gateway/domain/preferences.ts';
import type { SchemaSource } from '../gateway/json/json-schema.ts';
import type { SuspensionStore } from '../gateway/domain/suspension.ts';
import type { Reviewer } from '../gateway/domain/principal.ts';
import type { ReviewRecord } from '../gateway/domain/review-record.ts';
import type { Reports } from '../gateway/domain/report.ts';
import type { SessionStore, SignInLinks } from '../gateway/domain/session.ts';
import type { InFlight } from '../gateway/domain/work.ts';
import type { DayUsage } from '../gateway/domain/usage.ts';

/** What `GET /api/policy` tells: what decides now, and what was refused since. */
type PolicyStatus = {
  /** Hash of the bundle that decides; null while none does. */
  readonly revision: string | null;
  /** Milliseconds since the epoch. */
  readonly activatedAt: number | null;
  /** Every rule of the bundle, as `<package>/<name>`. */
  readonly rules: readonly string[];
  /** The same rules, with their verdicts and places. */
  readonly sources: readonly RuleSource[];
  /** Why the newest change to the policies is not in force; null when it is. */
  readonly refused: { readonly at: number; readonly reason: string } | null;
};

/** What `GET /api/config` tells: since when the configuration is in force, and what of the saved one is not. */
type ConfigStatus = {
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Names of saved fields that come into force with the next start. */
  readonly needsRestart: readonly string[];
  /** Why the saved file is not in force; null when it is. Problems have their line, and no values. */
  readonly refused: { readonly at: number; readonly reasons: readonly string[] } | null;
};

export type Policy = {
  status(): PolicyStatus;
  /** A dry run: what the policy in force would decide on `input`. Nothing is recorded, nothing happens. */
  evaluate(input: unknown): unknown;
  /** Where a value differs from the inputs on which policies decide; `pointer` leads into it (RFC 6901). */
  misfits(input: unknown): readonly { readonly pointer: string; readonly expected: string }[];
  /** The text of the rule at a place; null when that revision is not in force, or its text is not here. */
  ruleText(revision: string, place: RulePlace): string | null;
};

type Readiness = {
  readonly ready: boolean;
  /** Each part by name: `ok`, or in a few words why it is not. */
  readonly checks: Readonly<Record<string, string>>;
};

export type Log = {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
};

/** So many different people of these groups have to approve, and so many have. No groups: any reviewer counts. */
export type Demand = { readonly groups: readonly string[]; readonly quorum: number; readonly approvals: number };

/** An agent as configured; never its token. */
type KnownAgent = {
  readonly id: string;
  readonly owner: string;
  readonly roles: readonly string[];
  readonly systems: readonly string[];
};

/** What the admin listener needs of holds. */
export type Holds = Pick<HoldStore, 'find' | 'list' | 'apply' | 'foresee' | 'watch' | 'changedSince'>;

/** Everything that the admin listener needs from the rest of the gateway. */
export type AdminDeps = {
  readonly holds: Holds;
  readonly contents: Pick<HoldContents, 'call' | 'handoff' | 'artifact' | 'answer'>;
  readonly grants: GrantStore;
  readonly delegations: DelegationStore;
  readonly preferences: PreferenceStore;
  /** Told of each hold that a person who may decide it looks at. */
  readonly looked: (holdId: string) => void;
  readonly notifications: Pick<NotificationStore, 'list' | 'resend' | 'about'>;
  /** The state machine, asked what a command would do: the page must offer what the machine will accept. Changes nothing. */
  readonly transition: (hold: Hold, command: HoldCommand, now: number) => { readonly hold: Hold } | HoldRefusal;
  /** Who has to approve as things stand; all of it has to be met. */
  readonly demands: (hold: Hold) => readonly Demand[];
  /** What an approval of this call may leave open for further calls. */
  readonly openables: (hold: CallHold, call: HeldCall) => readonly Openable[];
  readonly amend: Amend;
  readonly changedPlaces: EditBody['changedPlaces'];
  /** What a system's OpenAPI document says of the body of an operation; null when it says nothing. */
  readonly bodySchema: (system: string, operation: string, contentType: string) => SchemaSource | null;
  /** A tool of an MCP system as its server listed it last, as JSON text; null if no list had it. */
  readonly toolDefinition: (system: string, tool: string) => Promise<string | null>;
  /** The kill switch. A change resolves when every worker of this gateway knows of it. */
  readonly suspensions: Pick<SuspensionStore, 'list' | 'suspend' | 'resume' | 'stop' | 'lift'>;
  /** How many people it takes to lift a stop. */
  readonly peopleToLift: () => 1 | 2;
  /** Everybody who may sign in here. */
  readonly people: () => readonly Reviewer[];
  readonly agents: () => readonly KnownAgent[];
  /** What budgets count of an agent within the last day; null while no rule reads usage. */
  readonly dayUsage: (agent: string) => DayUsage | null;
  /** Names of the systems behind the gateway. */
  readonly systems: () => readonly string[];
  /** What this gateway serves now; `complete` if every worker told it within a second. */
  readonly inFlight: () => Promise<InFlight & { readonly complete: boolean }>;
  /** What systems say they can do: in their OpenAPI documents, and in the lists of tools that passed here. */
  readonly declaredOperations: () => Promise<readonly DeclaredOperation[]>;
  readonly calls: CallLog;
  readonly reviews: ReviewRecord;
  readonly reports: Reports;
  readonly policy: Policy;
  readonly config: () => ConfigStatus;
  /** The reviewer to whom a token belongs. */
  readonly authenticate: (token: string) => Reviewer | null;
  /** Lowercase hex SHA-256 of each token that a reviewer has now, newest first; none for anybody else. */
  readonly tokenHashes: (reviewer: string) => readonly string[];
  readonly sessions: SessionStore;
  readonly links: Pick<SignInLinks, 'open'>;
  /** Where people open the console. */
  readonly consoleUrl: () => URL;
  /** The folder with the console as it was built. */
  readonly consoleFiles: string;
  readonly metrics: { readonly contentType: string; render(): Promise<string> };
  readonly readiness: () => Readiness;
  readonly log: Log;
  readonly clock: Clock;
};
