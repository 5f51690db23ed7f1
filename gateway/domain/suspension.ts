import type { Channel } from './principal.ts';

/**
 * An agent that may not call, or a system that no agent may call, until a person resumes it. `everything` is the stop of
 * all calls; its name is empty.
 */
export type Suspension = {
  readonly kind: 'agent' | 'system' | 'everything';
  readonly name: string;
  readonly by: string;
  readonly channel: Channel;
  readonly reason: string | null;
  readonly at: number;
  /** Of a stop that two people have to lift: who has asked for that, once somebody has. */
  readonly liftAskedBy?: string;
};

/** What a person suspends. */
export type NewSuspension = Omit<Suspension, 'at' | 'liftAskedBy'>;

/** The kill switch. */
export type SuspensionStore = {
  /** Oldest first. */
  list(): Promise<Suspension[]>;
  /**
   * From its commit on, no hold of the agent, or at the system, can be opened or released: what was pending or approved
   * is superseded, and an agent's grants are revoked. Says how many holds it superseded.
   */
  suspend(suspension: NewSuspension & { readonly kind: 'agent' | 'system' }): Promise<{ superseded: number }>;
  /**
   * Ends what the agent, or what agents at the system, have under way, as `suspend` does, without a suspension: for an
   * agent or a system that left the configuration. Says how many holds it superseded.
   * @param reason for the agents and people concerned
   */
  end(whose: { readonly agent?: string; readonly system?: string }, reason: string): Promise<number>;
  /** False when it was not suspended. */
  resume(kind: 'agent' | 'system', name: string, by: string, channel: Channel): Promise<boolean>;
  /**
   * Stops everything. From its commit on, no hold is opened, approved or released, and the clocks of holds stand still. A
   * second stop leaves the first as it is.
   */
  stop(by: string, channel: Channel, reason: string | null): Promise<void>;
  /**
   * Lifts the stop, and lets the clocks of holds go on with the time that they had left. Where `people` is 2, the first
   * one only asks, and another one lifts.
   */
  lift(by: string, channel: Channel, people: 1 | 2): Promise<void>;
  /** Calls back with all suspensions, now and after every change. Returns how to stop. */
  watch(changed: (suspensions: readonly Suspension[]) => void): () => void;
  /** Resolves when every watcher of this process knows what was committed before this call. */
  refresh(): Promise<void>;
};
