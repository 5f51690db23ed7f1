/**
 * A process that appends events to the journal in its first argument. With a second one it appends that many, waiting
 * out failures, and prints which it was promised and which refused; without, it goes on and tells its parent how many
 * were promised.
 */
import { event, openTestJournal, until } from '../events.ts';

const [dir, count] = process.argv.slice(2);
const journal = await openTestJournal(dir!, count === undefined ? { segmentSize: 20_000 } : {});

if (count === undefined) {
  for (let n = 0; ;) {
    for (const until = n + 1 + (n % 7); n < until; n++) journal.append(event(n));
    await journal.flushed();
    process.send?.(n);
  }
}

const promised: string[] = [];
const refused: string[] = [];
for (let n = 0; n < Number(count); n++) {
  await until(() => journal.status().fault === null);
  const one = event(n, { reason: 'x'.repeat(2000) });
  journal.append(one);
  await journal.flushed().then(
    () => promised.push(one.event_id),
    () => refused.push(one.event_id),
  );
}
await journal.close();
process.stdout.write(JSON.stringify({ promised, refused }));
