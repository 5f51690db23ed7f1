import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventsPage } from '../../../audit/clickhouse/events-page.ts';

const AUDIT = join(import.meta.dirname, '../../../audit');

test('the page for analysts matches the list of events and the views', async () => {
  const views = readFileSync(join(AUDIT, 'clickhouse/schema/views.sql'), 'utf8');
  await expect(eventsPage(views)).toMatchFileSnapshot(join(AUDIT, 'EVENTS.md'));
});
