import type { Channel } from './principal.ts';

/** An agent that may not call, or a system that no agent may call, until a person resumes it. */
export type Suspension = {
  readonly kind: 'agent' | 'system';
  readonly name: string;
  readonly by: string;
  readonly channel: Channel;
  readonly reason: string | null;
  readonly at: number;
};

/** The kill switch. */
export type SuspensionStore = {
  /** Oldest first. */
  list(): Promise<Suspension[]>;
  /**
   * From its commit on, no hold of the agent, or at the system, can be opened or released: what was pending or approved
   * is superseded, and an agent's grants are revoked. Says how many holds it superseded.
   */
  suspend(suspension: Omit<Suspension, 'at'>): Promise<{ superseded: number }>;
  /**
   * Ends what the agent, or what agents at the system, have under way, as `suspend` does, without a suspension: for an
   * agent or a system that left the configuration. Says how many holds it superseded.
   * @param reason for the agents and people concerned
   */
  end(whose: { readonly agent?: string; readonly system?: string }, reason: string): Promise<number>;
  /** False when it was not suspended. */
  resume(kind: Suspension['kind'], name: string, by: string, channel: Channel): Promise<boolean>;
  /** Calls back with all suspensions, now and after every change. Returns how to stop. */
  watch(changed: (suspensions: readonly Suspension[]) => void): () => void;
  /** Resolves when every watcher of this process knows what was committed before this call. */
  refresh(): Promise<void>;
};
