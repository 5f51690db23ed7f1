import { openHoldStore } from '../../../gateway/holds/store.ts';
import { draft, KEY, reviewer } from './draft.ts';

/** Another process with the same store: does what its parent tells it and says what came of it. */
const store = await openHoldStore({ file: process.argv[2]!, key: KEY, node: 'child' });

type Task = { readonly open: number } | { readonly approve: string };

process.on('message', async (task: Task) => {
  const result =
    'open' in task
      ? await store.open(draft(task.open))
      : await store.apply(task.approve, {
          type: 'approve',
          by: reviewer(`${process.pid}@example.com`),
          channel: 'api',
          revision: 1,
          note: null,
        });
  process.send!(result);
});
process.send!('ready');
