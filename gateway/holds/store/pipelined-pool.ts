import { Socket } from 'node:net';
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';
import pg from 'pg';

/** Statements that are worth preparing on each connection; lists of varying length make up more. */
const MOST_PREPARED = 200;

type Result = PostgresQueryResult<never>;
type Connection = Pick<PostgresPoolClient, 'release'> & {
  query(text: string, values: readonly unknown[]): Promise<Result>;
};

/**
 * A client that is given its socket, so that what is written while the socket is corked goes out in one piece. Over TLS
 * each statement goes out by itself.
 */
export class CorkableClient extends pg.Client {
  readonly socket: Socket;

  constructor(config: pg.ClientConfig = {}) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    this.socket = socket;
  }
}

/** What stands in for the answer of a statement that has none. */
const NOTHING = { command: 'INSERT', rowCount: 1, rows: [] } as const satisfies Result;

/**
 * The pool as Kysely uses it, with less waiting. Statements are parsed and planned once on each connection. And within a
 * transaction its beginning and plain inserts, which have nothing to answer, travel with the statement after them: it
 * fails when they did, at the latest the commit, which PostgreSQL turns into a rollback then.
 * @param pool of clients that pipeline, best of `CorkableClient`s
 */
export function pipelined(pool: pg.Pool): PostgresPool {
  const names = new Map<string, string>();
  const nameOf = (text: string) => {
    const known = names.get(text);
    if (known !== undefined || names.size >= MOST_PREPARED) return known;
    const name = `hp${names.size}`;
    names.set(text, name);
    return name;
  };

  function connection(client: pg.PoolClient): Connection {
    const socket = client instanceof CorkableClient ? client.socket : null;
    /** Statements of the open transaction that were not waited for; null outside of one. */
    let travelling: Promise<unknown>[] | null = null;
    const send = (text: string, values: readonly unknown[]) =>
      client.query({ name: nameOf(text), text, values: [...values] } as pg.QueryConfig) as unknown as Promise<Result>;

    return {
      async query(text, values) {
        if (text === 'begin') travelling = [];
        const waits = text !== 'begin' && !(travelling && answersNothing(text));
        if (!waits) socket?.cork();
        const sent = send(text, values);
        sent.catch(() => {});
        if (!waits) {
          travelling!.push(sent);
          return NOTHING;
        }
        const ahead = travelling ?? [];
        travelling = travelling && text !== 'commit' && text !== 'rollback' ? [] : null;
        for (const _ of ahead) socket?.uncork();
        // In their order: what failed first is why the others did. A rollback has heard of it already.
        if (text !== 'rollback') await Promise.all(ahead);
        return await sent;
      },
      release: (destroy) => client.release(destroy),
    };
  }

  return {
    options: pool.options,
    end: () => pool.end(),
    connect: async () => connection(await pool.connect()) as Pick<PostgresPoolClient, 'release'> as PostgresPoolClient,
  };
}

function answersNothing(text: string): boolean {
  return text.startsWith('insert into ') && !/ (?:returning|on conflict) /.test(text);
}
