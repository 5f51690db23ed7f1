import type { Event } from './event.ts';

/** An event as one line of JSON, or as the texts around bytes of it that have no line break. */
export type EventLine = string | { readonly before: string; readonly bytes: Buffer; readonly after: string };

/** The durable local log between this process and ClickHouse. */
export type Journal = {
  /**
   * Takes one event; its bytes reach the disk with the next group commit, at the latest 100 ms from now.
   * @throws Problem `journal-unavailable` when there is no room or the disk failed; then nothing was taken.
   */
  append(event: Event): void;
  /**
   * The same for an event that is written out already, as `eventLine` would.
   * @param read whether it tells of an allowed call with a safe method: those alone may be shed, see `JournalOptions.whenFull`
   */
  appendLine(line: EventLine, read: boolean): void;
  /** Resolves when everything appended before this call is durable; rejects with Problem `journal-unavailable` when it cannot be. */
  flushed(): Promise<void>;
  /** Flushes, seals the open segment and refuses further events. */
  close(): Promise<void>;
};
