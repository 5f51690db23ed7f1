import type { Kysely } from 'kysely';
import type { Clock } from '../../domain/clock.ts';
import type { TaskEnd, TaskStore } from '../../domain/task-store.ts';
import { available } from './available.ts';
import type { Schema } from './schema.ts';
import type { Vault } from './vault.ts';

export function createTaskStore(db: Kysely<Schema>, vault: Vault, clock: Clock): TaskStore {
  const label = (id: string) => ({ holdId: id, kind: 'task', revision: 0 });

  /** Says something of a task that has not ended. */
  async function say(id: string, content: Uint8Array | null): Promise<void> {
    const changed_at = clock();
    await db
      .insertInto('tasks')
      .values({ id, content, changed_at })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet({ content, changed_at }).where('tasks.content', 'is', null),
      )
      .execute();
  }

  return {
    touch: (id) => available(() => say(id, null)),
    settle: (id, end) => available(() => say(id, vault.seal(Buffer.from(JSON.stringify(end)), label(id)))),
    find: (id) =>
      available(async () => {
        const row = await db.selectFrom('tasks').selectAll().where('id', '=', id).executeTakeFirst();
        if (!row) return null;
        const { content, changed_at } = row;
        const end = content && (JSON.parse(vault.open(content, label(id)).toString('utf8')) as TaskEnd);
        return { end, changedAt: changed_at };
      }),
  };
}
