import { expect, test } from 'vitest';
import { createPasses } from '../../../gateway/identify/passes.ts';
import { createSessions, sealSession } from '../../../gateway/mcp/session.ts';

const DAY = 24 * 60 * 60 * 1000;

function issued() {
  const passes = createPasses(Buffer.alloc(32, 1), () => 0);
  return { sealed: sealSession(passes, 'ada', 'ledger', 's-1'), passes };
}

test('a session opens for the agent that began it, each time, and for no other agent', () => {
  const { sealed, passes } = issued();
  const sessions = createSessions(passes, 'ledger');
  expect(sessions.open('bob', sealed, 0)).toBeNull();
  expect(sessions.open('ada', sealed, 0)).toBe('s-1');
  expect(sessions.open('bob', sealed, 0)).toBeNull();
  expect(sessions.open('ada', sealed, 0)).toBe('s-1');
});

test('a session that was opened before expires all the same', () => {
  const { sealed, passes } = issued();
  const sessions = createSessions(passes, 'ledger');
  expect(sessions.open('ada', sealed, 30 * DAY - 1)).toBe('s-1');
  expect(sessions.open('ada', sealed, 30 * DAY)).toBeNull();
});

test('the session of another system does not open', () => {
  const { sealed, passes } = issued();
  expect(createSessions(passes, 'payments').open('ada', sealed, 0)).toBeNull();
});

test('a session is opened once for many requests', () => {
  const { sealed, passes } = issued();
  let opened = 0;
  const counting = { open: (...of: Parameters<typeof passes.open>) => (opened++, passes.open(...of)) };
  const sessions = createSessions(counting, 'ledger');
  for (let i = 0; i < 3; i++) sessions.open('ada', sealed, 0);
  expect(opened).toBe(1);
});
