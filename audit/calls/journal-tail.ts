import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Event } from '../../gateway/domain/event.ts';
import { eventOfLine } from '../journal/event-of-line.ts';
import { listSegments, segmentPath } from '../journal/segment.ts';
import { framesOf } from '../journal/segment-reader.ts';

/** Events to read of one journal, which may hold millions when ClickHouse is away for long. */
const EVENTS_LIMIT = 200_000;

/** The events in this gateway's journals: those that are not delivered, and some that are. */
export type JournalTail = {
  /** Events with `text` in their line, in no order. */
  read(text: string): Promise<Event[]>;
};

/** @param dir the folder of all journals */
export function createJournalTail(dir: string): JournalTail {
  return {
    async read(text) {
      const found: Event[] = [];
      for (const entry of await readdir(dir, { withFileTypes: true })) {
        if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
        await readJournal(join(dir, entry.name), text, found);
      }
      return found;
    },
  };
}

/** The newest segments first, as whole segments, until enough is read. */
async function readJournal(dir: string, text: string, found: Event[]): Promise<void> {
  let read = 0;
  for (const segment of (await listSegments(dir)).toReversed()) {
    if (read >= EVENTS_LIMIT) return;
    try {
      for await (const frame of framesOf(segmentPath(dir, segment))) {
        if (frame.kind !== 'events') continue;
        read += frame.events;
        // A search in the bytes spares parsing most frames.
        if (!frame.payload.includes(text)) continue;
        for (const line of frame.payload.toString().split('\n')) {
          if (line !== '' && line.includes(text)) found.push(eventOfLine(line));
        }
      }
    } catch (error) {
      // Delivered and deleted while it was read.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
}
