import { rm, stat } from 'node:fs/promises';
import { syncDirectory } from './durable-file.ts';
import type { Damage } from './journal-reader.ts';
import { bytesFrom, mendSegment, readRecords } from './journal-reader.ts';
import { listSegments, segmentPath } from './segment.ts';
import type { Position, Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

/**
 * The journal directory `dir` as a source. Positions are `<segment>:<offset>`. Damage in a sealed segment is set aside
 * (see `mendSegment`) and reported; what comes after it in other segments is delivered.
 */
export function createJournalSource(options: {
  readonly name: string;
  readonly dir: string;
  readonly rows?: number;
  readonly onDamage: (damage: Damage) => void;
}): Source {
  const { name, dir, rows = BATCH_ROWS, onDamage } = options;
  return {
    name,
    async next(position, until) {
      let at = parse(position);
      const stop = until === undefined ? null : parse(until);
      for (;;) {
        const segments = await listSegments(dir);
        const segment = segments.find((number) => number >= at.segment);
        if (segment === undefined || (stop !== null && segment > stop.segment)) return null;
        if (segment !== at.segment) at = { segment, offset: 0 };
        // Asked before reading: a segment that has a successor now is complete.
        const sealed = segment !== segments.at(-1);
        const scan = await readRecords(segmentPath(dir, segment), at.offset, {
          rows: stop === null ? rows : Infinity,
          ...(stop?.segment === segment ? { until: stop.offset } : {}),
        });
        if (scan.records.length > 0) return { rows: scan.records, to: `${segment}:${scan.end}` };
        if (!sealed) return null;
        if (scan.state === 'broken') {
          const damage = await mendSegment(dir, segment, at.offset);
          if (damage) onDamage(damage);
        }
        at = { segment: segment + 1, offset: 0 };
      }
    },
    async forget(position) {
      const { segment, offset } = parse(position);
      const sealed = (await listSegments(dir)).slice(0, -1);
      let deleted = false;
      for (const number of sealed) {
        if (number > segment) break;
        const path = segmentPath(dir, number);
        if (number === segment && offset < (await stat(path)).size) break;
        await rm(path, { force: true });
        deleted = true;
      }
      if (deleted) await syncDirectory(dir);
    },
    async behind(position) {
      const { segment, offset } = parse(position);
      return { bytes: await bytesFrom(dir, segment, offset), rows: null };
    },
  };
}

function parse(position: Position): { segment: number; offset: number } {
  if (position === '') return { segment: 0, offset: 0 };
  const match = /^(\d+):(\d+)$/.exec(position);
  if (!match) throw new Error(`Not a position in a journal: ${position}`);
  return { segment: Number(match[1]), offset: Number(match[2]) };
}
