import { openHoldStore } from '../../../../gateway/holds/store/store.ts';
import type { Place } from './engines.ts';
import { draft, KEY, reviewer } from '../../../helpers/hold.ts';

/** Another process with the same store: does what its parent tells it and says what came of it. */
const at = JSON.parse(process.argv[2]!) as Place['at'];
const store = await openHoldStore({ ...at, key: KEY, node: 'child', reviewers: [], compose: () => [] });

type Task = { readonly open: number } | { readonly approve: string };

process.on('message', async (task: Task) => {
  const result =
    'open' in task
      ? await store.holds.open(draft(task.open))
      : await store.holds.apply(task.approve, {
          type: 'approve',
          by: reviewer(`${process.pid}`),
          channel: 'api',
          revision: 1,
          note: null,
          seenAt: null,
          grant: null,
        });
  process.send!(result);
});
process.send!('ready');
