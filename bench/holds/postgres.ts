import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startPostgres } from '../../test/helpers/postgres.ts';
import { LOAD_CORE, pin } from '../child.ts';
import { commandLine, descendants } from '../proc.ts';

export type Databases = {
  readonly version: string;
  /** An empty database: its `postgres://…`. */
  create(): Promise<string>;
  stop(): Promise<void>;
};

/** A real PostgreSQL as it comes, each commit on disk before it is told, on the core of the load. */
export async function startDatabases(): Promise<Databases> {
  const server = await startPostgres([]);
  for (const pid of descendants(process.pid)) {
    if (commandLine(pid)[0]?.endsWith('postgres')) pin(pid, LOAD_CORE);
  }
  const query = async (text: string) => {
    const client = new pg.Client({ connectionString: server.url });
    await client.connect();
    try {
      return (await client.query<Record<string, string>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const [about] = await query('show server_version');
  return {
    version: `PostgreSQL ${about?.['server_version']}`,
    async create() {
      const name = `bench_${randomUUID().replaceAll('-', '')}`;
      await query(`create database ${name}`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    stop: server.stop,
  };
}
