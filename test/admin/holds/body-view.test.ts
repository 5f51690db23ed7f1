import { expect, test } from 'vitest';
import { viewCall } from '../../../admin/holds/body-view.ts';
import { refund } from '../desk.ts';

test('the body view says when the call, or its original before an edit, is no longer stored', () => {
  const { call } = refund();
  expect(viewCall({ editors: [] }, null, null)).toMatchObject({
    complete: false,
    missing: 'The held call is no longer kept.',
    body: null,
  });
  expect(viewCall({ editors: ['ben@example.com'] }, call, null)).toMatchObject({ complete: false, proposed: null });
  expect(viewCall({ editors: ['ben@example.com'] }, call, call)).toMatchObject({ complete: true, missing: null });
});
