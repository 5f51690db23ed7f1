import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDesk, type Desk } from '../desk.ts';

const AT = Date.parse('2026-03-01T12:00:00Z');

let desk: Desk;
beforeEach(async () => {
  const refused = { at: AT, reasons: ['line 3: agents.0.owner: missing; expected string'] };
  desk = await openDesk({ config: () => ({ since: AT, needsRestart: ['workers'], refused }) });
});
afterEach(() => desk.close());

test('an operator sees since when the configuration is in force, and why the saved one is not', async () => {
  expect(await desk.get('/api/config', 'olga')).toMatchObject({
    status: 200,
    json: {
      since: '2026-03-01T12:00:00.000Z',
      needs_restart: ['workers'],
      refused: { at: '2026-03-01T12:00:00.000Z', reasons: ['line 3: agents.0.owner: missing; expected string'] },
    },
  });
});

test('a reviewer who is no operator does not see the configuration', async () => {
  expect(await desk.get('/api/config', 'ben')).toMatchObject({ status: 403 });
});
