import type { HoldStore } from '../gateway/domain/hold.ts';
import type { Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

/** The hold store's outbox as a source. Positions are sequence numbers. */
export function createOutboxSource(options: {
  readonly name: string;
  readonly outbox: HoldStore['outbox'];
  readonly rows?: number;
}): Source {
  const { name, outbox, rows = BATCH_ROWS } = options;
  return {
    name,
    async next(position, until) {
      const after = Number(position);
      const entries = await outbox.read(after, until === undefined ? rows : Number(until) - after);
      const batch = until === undefined ? entries : entries.filter(({ seq }) => seq <= Number(until));
      const last = batch.at(-1);
      if (last === undefined) return null;
      return { rows: batch.map(({ event }) => Buffer.from(JSON.stringify(event))), to: String(last.seq) };
    },
    forget: (position) => outbox.forget(Number(position)),
    async behind(position) {
      return { bytes: null, rows: (await outbox.read(Number(position), rows)).length };
    },
  };
}
