import type { EventLine } from '../../gateway/domain/journal.ts';
import { Problem } from '../../gateway/domain/problem.ts';
import { FRAME_BYTES, HEADER_BYTES, LINE_LIMIT } from './frame.ts';

const NEWLINE = 0x0a;
const INITIAL_BYTES = 256 * 1024;
/** Most bytes that may wait for a slow disk. */
const LARGEST_GROUP = 32 * 1024 * 1024;

/** A frame of events in a group's bytes. Its header is still to be written. */
export type GroupFrame = { readonly at: number; end: number; events: number };

/** Events that reach the disk together, and the promise of their callers. */
export type Group = {
  /** Room for the group; the first `length` bytes count. */
  bytes: Buffer;
  length: number;
  events: number;
  readonly frames: GroupFrame[];
  /** Set once a caller waits for the group. */
  waiting: PromiseWithResolvers<void> | null;
};

/** Collects the events of the next commit while the disk writes those of the last. Its two buffers take turns. */
export class GroupBuffer {
  #group: Group = emptyGroup(Buffer.allocUnsafe(INITIAL_BYTES));
  #spare: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  /** The placed line's end, and the frame that it continues. */
  #end = 0;
  #continued: GroupFrame | null = null;

  get group(): Group {
    return this.#group;
  }

  /**
   * Places a line behind the group. It belongs to the group only after `keep`; the next `place` overwrites it otherwise.
   * @returns the group's length with it
   * @throws Problem when the line is too large, or too many bytes wait
   */
  place(line: EventLine): number {
    const { length, frames } = this.#group;
    const last = frames.at(-1);
    const continued = last !== undefined && last.end - last.at < FRAME_BYTES ? last : null;
    const start = continued === null ? length + HEADER_BYTES : length;
    const room = start + mostBytes(line) + 1;
    if (room > this.#group.bytes.length) this.#grow(room);
    const { bytes } = this.#group;
    const size = write(line, bytes, start) + 1;
    if (size > LINE_LIMIT) throw new Problem('journal-unavailable', { cause: new Error('The event is too large') });
    const end = start + size;
    bytes[end - 1] = NEWLINE;
    this.#continued = continued;
    this.#end = end;
    return end;
  }

  /** Adds the placed line to the group. */
  keep(): void {
    const group = this.#group;
    if (this.#continued === null) {
      group.frames.push({ at: group.length, end: this.#end, events: 1 });
    } else {
      this.#continued.end = this.#end;
      this.#continued.events += 1;
    }
    group.length = this.#end;
    group.events += 1;
  }

  /** Takes the group for a commit and begins the next one. The commit before must have ended. */
  swap(): Group {
    const group = this.#group;
    this.#group = emptyGroup(this.#spare);
    this.#spare = group.bytes;
    return group;
  }

  /** Gives up the group. */
  clear(): Group {
    const group = this.#group;
    this.#group = emptyGroup(group.bytes);
    return group;
  }

  #grow(room: number): void {
    if (room > LARGEST_GROUP) {
      throw new Problem('journal-unavailable', { cause: new Error('The disk is too slow for the events that wait') });
    }
    const group = this.#group;
    const larger = Buffer.allocUnsafe(Math.max(room, group.bytes.length * 2));
    group.bytes.copy(larger, 0, 0, group.length);
    group.bytes = larger;
  }
}

/** UTF-8 takes at most three bytes for a UTF-16 unit. */
function mostBytes(line: EventLine): number {
  return typeof line === 'string' ? line.length * 3 : (line.before.length + line.after.length) * 3 + line.bytes.length;
}

/** @returns how many bytes it is */
function write(line: EventLine, to: Buffer, at: number): number {
  if (typeof line === 'string') return to.write(line, at);
  let end = at + to.write(line.before, at);
  end += line.bytes.copy(to, end);
  return end + to.write(line.after, end) - at;
}

function emptyGroup(bytes: Buffer): Group {
  return { bytes, length: 0, events: 0, frames: [], waiting: null };
}
