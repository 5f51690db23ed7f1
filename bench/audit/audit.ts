import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine } from '../machine.ts';
import { benchJournal, describeJournal } from './journal.ts';
import { backlog } from './ship.ts';
import { benchVerifyJournal, benchVerifyRecord, type VerifyFigures } from './verify.ts';

/** Events in the journal that is verified, and in the one that is delivered. */
const VERIFIED = 500_000;
const DELIVERED = 300_000;

/**
 * Measures the cost of the record: the journal, its delivery, and verifying it.
 * @param data a data folder with a year in it (bench/year), to verify ClickHouse too
 */
export async function benchAudit({ data }: { readonly data?: string | undefined }): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'holdpoint-bench-'));
  const say = (line: string) => process.stdout.write(`${line}\n`);
  try {
    say(`${JSON.stringify(machine())}\n`);
    say(describeJournal(await benchJournal({ folder })));
    say(`verify the journal: ${describe(await benchVerifyJournal(folder, VERIFIED))}`);
    if (data !== undefined) say(`verify the record: ${describe(await benchVerifyRecord(data))}`);
    say(`deliver: ${JSON.stringify(await backlog(DELIVERED), null, 2)}`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function describe({ events, perSecond, breaks }: VerifyFigures): string {
  const count = (n: number) => Math.round(n).toLocaleString('en');
  return `${count(events)} events, ${count(perSecond)} a second, ${breaks} breaks`;
}
