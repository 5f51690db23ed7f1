import type { CallHold } from './hold.ts';

/**
 * Processes that send allowed calls without asking the store first, and the holds that each has heard of. A hold is
 * released only once every sender has heard of it: see "Two processes, one send" in `gateway/holds/README.md`.
 */
export type SenderStore = {
  /** Milliseconds by which the clocks of senders may differ; 0 on one machine. */
  readonly clockSkew: number;
  /** Before the sender's first call, and before it reads which holds are open. */
  join(sender: string): Promise<void>;
  /** The sender has superseded those of these holds that it sent a twin of, and sends no twin of the others. */
  heard(sender: string, holdIds: readonly string[]): Promise<void>;
  /** The sender has sent its last call, and superseded the holds that it sent a twin of. */
  leave(sender: string): Promise<void>;
  /** Records the end of the senders that ended without leaving. */
  end(hasEnded: (sender: string) => boolean): Promise<void>;
  /**
   * The senders that have not heard of the hold: those that may still do, and those that ended since people were asked.
   * The latter may have sent its call, and cannot tell any more.
   */
  unaware(hold: Pick<CallHold, 'id' | 'askedAt'>): Promise<{ alive: readonly string[]; lost: readonly string[] }>;
};
