import type { Clock } from '../../domain/clock.ts';
import type { HoldStore } from '../../domain/hold-store.ts';
import type { Reviewer } from '../../domain/principal.ts';
import { available } from './available.ts';
import type { HoldDatabase } from './database.ts';
import { standingIn, standsInFor } from './delegations.ts';
import type { Documents } from './documents.ts';
import { createHoldCommands } from './hold-commands.ts';
import { createHoldOpener } from './hold-opener.ts';
import type { HoldReader } from './hold-reader.ts';
import type { HoldWriter } from './hold-writer.ts';
import { fromRow } from './rows.ts';
import type { Transact } from './unit-of-work.ts';
import type { ChangeWatch } from './watch.ts';

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

  return {
    open: (draft, sender) => read(() => transact(clock(), (unit) => opener.call(unit, draft, sender ?? null))),
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
