import type { DelegationStore } from './delegation.ts';
import type { GrantStore } from './grant.ts';
import type { HoldContents } from './hold-contents.ts';
import type { HoldStore } from './hold-store.ts';
import type { NotificationStore } from './notification.ts';
import type { Outbox } from './outbox.ts';
import type { PreferenceStore } from './preferences.ts';
import type { RunStore } from './run.ts';
import type { SenderStore } from './sender.ts';
import type { SessionStore } from './session.ts';
import type { SuspensionStore } from './suspension.ts';
import type { TaskStore } from './task-store.ts';
import type { ToolStore } from './tool-store.ts';
import type { UsageStore } from './usage.ts';

/**
 * One database, by its ports, so that each part takes the one that it needs. A method rejects with Problem
 * `store-unavailable` when the database does not answer.
 */
export type Store = {
  readonly holds: HoldStore;
  readonly contents: HoldContents;
  readonly grants: GrantStore;
  readonly suspensions: SuspensionStore;
  readonly delegations: DelegationStore;
  readonly notifications: NotificationStore;
  readonly preferences: PreferenceStore;
  readonly sessions: SessionStore;
  readonly outbox: Outbox;
  readonly runs: RunStore;
  readonly senders: SenderStore;
  /** What agents, owners and operations use, counted by all processes together. */
  readonly usage: UsageStore;
  readonly tools: ToolStore;
  readonly tasks: TaskStore;
  close(): Promise<void>;
};
