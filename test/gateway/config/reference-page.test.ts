import { join } from 'node:path';
import { expect, test } from 'vitest';
import { referencePage } from '../../../gateway/config/reference-page.ts';
import { schema } from '../../../gateway/config/schema.ts';

const PAGE = join(import.meta.dirname, '../../../gateway/config/README.md');

test('the configuration reference says what the schema says', async () => {
  await expect(referencePage(schema)).toMatchFileSnapshot(PAGE);
});

test('the configuration reference describes every key', () => {
  const undescribed = referencePage(schema)
    .split('\n')
    .filter((line) => /^\| `.*\|  \|$/.test(line));
  expect(undescribed).toEqual([]);
});
