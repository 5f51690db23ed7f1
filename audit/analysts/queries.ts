import { randomUUID } from 'node:crypto';
import type { Answer, Connection } from './connection.ts';
import { quote, setParameters } from './connection.ts';

export type Query = {
  readonly sql: string;
  readonly format: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** Assignments, `readonly` last. */
  readonly settings: readonly string[];
};

/** Milliseconds between attempts to kill a query: it may not have begun at the first. */
const REPEAT = 200;

/**
 * Runs a query on a connection of its own, so that its settings affect no other, and kills it when `signal` aborts.
 * @param connect opens a connection
 */
export async function runQuery(
  { sql, format, parameters, settings }: Query,
  { connect, signal }: { connect: () => Connection; signal: AbortSignal },
): Promise<Answer> {
  // The engine returns no handle for a running query; this comment finds it among all.
  const tag = `analyst ${randomUUID()}`;
  const connection = connect();
  try {
    const before = [
      'USE holdpoint',
      setParameters(parameters),
      `SET log_comment = ${quote(tag)}, ${settings.join(', ')}`,
    ].filter((statement) => statement !== null);
    for (const statement of before) await connection.queryAsync(statement, { format: 'Null' });
    if (signal.aborted) throw new Error('The client is gone');
    const running = connection.queryAsync(sql, { format });
    const kill = () => killQuery(tag, connect);
    let again: NodeJS.Timeout | undefined;
    const abort = () => {
      void kill();
      again = setInterval(kill, REPEAT);
    };
    signal.addEventListener('abort', abort);
    try {
      return await running;
    } finally {
      clearInterval(again);
      signal.removeEventListener('abort', abort);
    }
  } finally {
    connection.close();
  }
}

async function killQuery(tag: string, connect: () => Connection): Promise<void> {
  const connection = connect();
  try {
    await connection.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quote(tag)} ASYNC`, { format: 'Null' });
  } catch {
    // The next attempt follows, and the query has its own limits.
  } finally {
    connection.close();
  }
}
