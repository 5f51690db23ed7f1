/**
 * A shipper in a process of its own: `<journals> <url> <password> <before|after> <n> [date]`. It is killed just before
 * its nth insert is sent, or just after it was acknowledged and before anything else happens.
 */
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { createShipper } from '../../../audit/ship/shipper.ts';

const [dir, url, password, moment, nth, date] = process.argv.slice(2);
const client = connectClickHouse({ url: url!, username: 'holdpoint', password: password! });
const exec = client.exec.bind(client);
let inserts = 0;
const dying: typeof exec = async (params) => {
  inserts += 1;
  const last = inserts === Number(nth);
  if (last && moment === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await exec(params as Parameters<typeof exec>[0]);
  if (last) process.kill(process.pid, 'SIGKILL');
  return result as never;
};
Object.assign(client, { exec: dying });
const shipper = await createShipper({
  dir: dir!,
  client,
  rows: 100,
  ...(date === undefined ? {} : { clock: () => Date.parse(date) }),
});
await shipper.drain();
