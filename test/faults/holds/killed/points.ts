import { writeSync } from 'node:fs';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import pg from 'pg';

/**
 * Points at which this process can be killed: before each SQL statement, while a COMMIT is on its way to a server, and
 * wherever the story says `pass`. What lies between two of them leaves no trace outside of the process, so being killed
 * after a statement is being killed before the next.
 */
let passed = 0;
let fatal: Point | null = null;

/** By its number, or by its name: then the first one of that name. */
export type Point = number | string;

/** From now on points are counted; at this one the process ends as by `kill -9`. */
export function arm(point: Point | null): void {
  passed = 0;
  fatal = point;
}

/** One point. It is told on stdout where it was fatal, for whoever reads a failed test. */
export function pass(what: string): void {
  const number = passed++;
  if (fatal !== number && fatal !== what) return;
  writeSync(1, what);
  process.kill(process.pid, 'SIGKILL');
}

/** What says nothing about holds: it comes by itself, and would number the others differently each time. */
const isBesides = (text: string) => /pg_notify|^listen |data_version/.test(text);

function before(text: string): void {
  if (!isBesides(text)) pass(`before ${text}`);
}

/** Makes every statement of `node:sqlite` and `pg` in this process a point. */
export function watchStatements(): void {
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (text) {
    before(text);
    exec.call(this, text);
  };
  const statement = StatementSync.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of ['run', 'all', 'get', 'iterate']) {
    const own = statement[name]!;
    statement[name] = function (this: StatementSync, ...args) {
      before(this.sourceSQL);
      return own.apply(this, args);
    };
  }
  const client = pg.Client.prototype as unknown as Record<'query', (...args: unknown[]) => unknown>;
  const { query } = client;
  client.query = function (this: pg.Client, ...args) {
    const [statement] = args as [string | pg.QueryConfig];
    const text = typeof statement === 'string' ? statement : statement.text;
    before(text);
    const answer = query.apply(this, args);
    if (text === 'commit') pass('while a commit is on its way');
    return answer;
  };
}
