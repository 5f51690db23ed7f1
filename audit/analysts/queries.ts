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

/** Milliseconds until a query that should end is told so again: it may not have begun when it was told first. */
const REPEAT = 200;

/**
 * Runs a query on a connection of its own, so that nothing it sets concerns another, and ends it when `signal` aborts.
 * @param connect opens a connection
 */
export async function runQuery(
  { sql, format, parameters, settings }: Query,
  { connect, signal }: { connect: () => Connection; signal: AbortSignal },
): Promise<Answer> {
  // The engine gives no hold of a running query; this is how it is found among all.
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
    const end = () => endQuery(tag, connect);
    let again: NodeJS.Timeout | undefined;
    const abort = () => {
      void end();
      again = setInterval(end, REPEAT);
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

async function endQuery(tag: string, connect: () => Connection): Promise<void> {
  const connection = connect();
  try {
    await connection.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = ${quote(tag)} ASYNC`, { format: 'Null' });
  } catch {
    // It is told again, and ends by its own limits.
  } finally {
    connection.close();
  }
}
