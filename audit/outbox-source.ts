import type { HoldStore, OutboxDelivery } from '../gateway/domain/hold-store.ts';
import { createSharedStates } from './shared-states.ts';
import type { Source } from './source.ts';
import { BATCH_ROWS } from './source.ts';

/** The hold store's outbox as a source. Positions are sequence numbers. */
export function createOutboxSource(options: {
  readonly name: string;
  readonly outbox: Pick<HoldStore['outbox'], 'read' | 'forget'> & { readonly delivery?: OutboxDelivery | null };
  readonly rows?: number;
}): Source {
  const { name, outbox, rows = BATCH_ROWS } = options;
  return {
    name,
    ...(outbox.delivery && { shared: createSharedStates(outbox.delivery) }),
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
