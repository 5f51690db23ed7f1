import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { transitions } from '../../../gateway/holds/machine.ts';

test('the README shows the table of transitions as it is', () => {
  const readme = readFileSync(join(import.meta.dirname, '../../../gateway/holds/README.md'), 'utf8');
  const rows = transitions.map(({ kinds, from, execution, on, to, who, guards }) => {
    const kind = kinds.length === 3 ? 'any' : kinds.join(', ');
    const asked = guards.map((guard) => guard.name).join(', ') || '–';
    return `| ${[from, execution, on, to, kind, who, asked].join(' | ')} |`;
  });
  const shown = readme.split('\n').filter((line) => /^\| (pending|approved|expired|taken-over) /.test(line));
  expect(shown).toEqual(rows);
});
