import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../domain/clock.ts';
import type { CallHold } from '../../domain/hold.ts';
import type { HoldDraft, HoldStore } from '../../domain/hold-store.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { Problem } from '../../domain/problem.ts';
import { BeingTold } from './attach.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { standingIn, standsInFor } from './delegations.ts';
import type { Documents } from './documents.ts';
import { createHoldCommands } from './hold-commands.ts';
import { createHoldOpener, type Opened } from './hold-opener.ts';
import type { HoldReader } from './hold-reader.ts';
import type { HoldWriter } from './hold-writer.ts';
import { fromRow } from './rows.ts';
import type { Transact } from './unit-of-work.ts';
import type { ChangeWatch } from './watch.ts';

/** Milliseconds for which a call waits while another caller is told how the same call ended; and between two looks. */
const PATIENCE = 10_000;
const INTERVAL = 10;

export function createHoldStore(options: {
  readonly database: HoldDatabase;
  readonly documents: Documents;
  readonly reader: HoldReader;
  readonly writer: HoldWriter;
  readonly transact: Transact;
  readonly changes: ChangeWatch;
  readonly reviewers: () => readonly Reviewer[];
  readonly clock: Clock;
}): HoldStore {
  const { database, documents, reader, writer, transact, changes, reviewers, clock } = options;
  const { db } = database;
  const opener = createHoldOpener({ writer, reviewers });
  const commands = createHoldCommands({
    reader,
    documents,
    writer,
    transact,
    clock,
    standIn: (reviewer, now) => standingIn(db, reviewer, now, reviewers()),
  });
  const read = <T>(work: () => Promise<T>) => available(() => changes.ready().then(work));

  async function openCall(draft: HoldDraft, sender: string | null): Promise<Opened<CallHold>> {
    for (const until = performance.now() + PATIENCE; ; await sleep(INTERVAL)) {
      try {
        return await transact(clock(), (unit) => opener.call(unit, draft, sender));
      } catch (error) {
        if (!(error instanceof BeingTold)) throw error;
        if (performance.now() > until) throw new Problem('release-pending', { extras: { hold_id: error.hold.id } });
      }
    }
  }

  return {
    open: (draft, sender) => read(() => openCall(draft, sender ?? null)),
    openHandoff: (draft) => read(() => transact(clock(), (unit) => opener.handoff(unit, draft))),
    find: (id) =>
      read(async () => {
        const row = await reader.row(id);
        return row && fromRow(row, documents);
      }),
    list: ({ mine, ...filter }) =>
      read(async () => {
        const now = clock();
        if (mine === undefined) return await reader.list({ ...filter, now });
        const absent = await standsInFor(db, mine, now, reviewers());
        return await reader.list({ ...filter, now, people: [mine, ...absent.map(({ id }) => id)] });
      }),
    apply: (id, command) => read(() => commands.apply(id, command)),
    foresee: (id, command) => read(() => commands.foresee(id, command)),
    watch: (changed) => changes.watch(changed),
    refresh: () => available(() => changes.refresh()),
    changedSince: (since, limit) => read(() => reader.changedSince(since, limit)),
    due: (now) => available(() => reader.due(now)),
    releasable: () => read(() => reader.releasable()),
    releasing: () => read(() => reader.releasing()),
    indeterminate: () => read(() => reader.indeterminate()),
    openCalls: () => read(() => reader.openCalls()),
  };
}
