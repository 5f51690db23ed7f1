import { expect, test } from 'vitest';
import { reviewer } from '../../helpers/hold.ts';
import { openDesk } from '../desk.ts';

test('the groups are those of the people who decide, by name', async () => {
  const people = [
    reviewer('ben', ['finance', 'legal', 'finance']),
    reviewer('cleo', ['finance']),
    reviewer('eve', ['reports'], ['analyst']),
  ];
  const desk = await openDesk({ people: () => people });
  expect((await desk.get('/api/groups', 'eve')).json).toEqual({
    items: [
      { group: 'finance', reviewers: 2 },
      { group: 'legal', reviewers: 1 },
    ],
    next: null,
  });
  expect((await desk.get('/api/groups', null)).status).toBe(401);
  const { paths } = (await desk.get('/api/openapi.json')).json as { paths: object };
  expect(paths).toHaveProperty(['/api/groups', 'get', 'responses', '200', 'content', 'application/json', 'schema']);
  await desk.close();
});
