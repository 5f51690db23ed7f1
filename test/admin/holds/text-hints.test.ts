import { expect, test } from 'vitest';
import { openDesk } from '../desk.ts';

test('the context package points out hidden characters and mixed alphabets (YishenTu/claudian#923)', async () => {
  const desk = await openDesk();
  const id = await desk.hold(
    '{"amount":500,"to":"\\u202egro.live","name":"p\\u0430ypal"}',
    {},
    { operation: 'POST /a\u202e' },
  );
  const { json } = await desk.get(`/api/holds/${id}`);
  expect(json).toMatchObject({
    action: { summary: expect.stringContaining('POST /a\\u{202e} at payments') },
    hints: [
      { in: 'body', kind: 'hidden', excerpt: expect.stringContaining('\\u{202e}gro.live') },
      { in: 'body', kind: 'mixed-scripts', excerpt: expect.stringContaining('p\u0430ypal') },
    ],
  });
  await desk.close();
});
