import { describe, expect, test } from 'vitest';
import { MOST_AN_HOUR } from '../../../../gateway/holds/store/handoff-limit.ts';
import { handoffDraft } from '../../../helpers/hold.ts';
import { engines } from './engines.ts';
import { useStores } from './stores.ts';

describe.each(engines)('$name', (engine) => {
  const stores = useStores(engine);

  test('an agent opens so many handoffs within an hour, however they ended, and more when the first are older', async () => {
    const store = await stores.open();
    const open = (n: number) => store.holds.openHandoff(handoffDraft(`task ${n}`));
    for (let n = 0; n < MOST_AN_HOUR; n++) {
      const { hold } = await open(n);
      await store.holds.apply(hold.id, {
        type: 'cancel',
        by: hold.principal.agent,
        as: 'agent',
        channel: 'agent',
        reason: null,
      });
    }
    // Identifiers carry the time of the machine.
    stores.now = Date.now() + 1_000;
    await expect(open(-1)).rejects.toMatchObject({
      code: 'too-many-handoffs',
      extras: { retry_after: expect.toSatisfy((seconds: number) => seconds > 3000 && seconds <= 3600) },
    });
    stores.now += 3_700_000;
    expect((await open(-1)).attached).toBe(false);
  });
});
