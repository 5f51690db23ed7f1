import fs from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';

/**
 * Points at which this process can be killed: before everything by which it changes files, and before, during and after
 * each statement that it sends to ClickHouse. What lies between two of them leaves no trace outside of the process, so
 * being killed after one is being killed before the next.
 */
let passed = 0;
const tellOnStdout = fs.writeSync;
let fatal: number | null = null;

/** Counts points from now on. At this one the process ends as by `kill -9`. */
export function arm(point: number | null): void {
  passed = 0;
  fatal = point;
}

/** One point. If the process is killed there, stdout says so, to explain a failed test. */
export function pass(what: string): void {
  if (fatal !== passed++) return;
  fatal = null;
  tellOnStdout(1, what);
  process.kill(process.pid, 'SIGKILL');
}

type Call = (...args: unknown[]) => unknown;

/** Adds a point before each call of the function of this name and, if it sends its data away, one during the call. */
function around(object: object, name: string, tell: (...args: unknown[]) => string, isSent = false): void {
  const functions = object as Record<string, Call>;
  const own = functions[name]!;
  functions[name] = function (this: unknown, ...args) {
    const what = tell(...args);
    pass(`before ${what}`);
    const result = own.apply(this, args);
    if (isSent) void onItsWay().then(() => pass(`while ${what} is on its way`));
    return result;
  };
}

/** Adds points to every function that changes files and folders. */
export async function watchFiles(): Promise<void> {
  const file = (path: unknown) => basename(String(path));
  around(promises, 'rename', (_, to) => `putting ${file(to)} in its place`);
  around(promises, 'rm', (path) => `deleting ${file(path)}`);
  around(promises, 'truncate', (path) => `cutting ${file(path)}`);
  around(fs, 'writeSync', () => 'writing');
  syncBuiltinESMExports();
  const handle = await promises.open(import.meta.filename, 'r');
  const prototype = Object.getPrototypeOf(handle) as object;
  await handle.close();
  for (const name of ['write', 'writeFile', 'truncate', 'datasync', 'sync']) around(prototype, name, () => name);
}

/**
 * Adds points to the requests of `client`: before each, when half of it is sent, when all is, and when it is answered.
 */
export function watchStatements(client: ClickHouseClient): void {
  const name = (query: unknown) =>
    String((query as { query: string }).query)
      .replaceAll(/\s+/g, ' ')
      .slice(0, 60);
  around(client, 'command', name, true);
  around(client, 'query', name, true);
  const exec = client.exec.bind(client) as (params: {
    query: string;
    values: AsyncIterable<Buffer>;
  }) => Promise<unknown>;
  const halting = async (params: { query: string; values: AsyncIterable<Buffer> }) => {
    const what = name(params);
    pass(`before ${what}`);
    const sent = exec({ ...params, values: inHalves(params.values, what) });
    const answer = await sent;
    pass(`when ${what} is acknowledged`);
    return answer;
  };
  Object.assign(client, { exec: halting });
}

/** The body in two halves, with a point between them and one after them. */
function inHalves(values: AsyncIterable<Buffer>, what: string): Readable {
  return Readable.from(
    (async function* () {
      const body = Buffer.concat(await Array.fromAsync(values));
      const middle = Math.floor(body.length / 2);
      yield body.subarray(0, middle);
      await onItsWay();
      pass(`during ${what}`);
      yield body.subarray(middle);
      await onItsWay();
      pass(`when ${what} is sent`);
    })(),
    { objectMode: false },
  );
}

/** Written bytes reach the kernel within a few turns. */
async function onItsWay(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
}
