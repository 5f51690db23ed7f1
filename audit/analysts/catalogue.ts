import type { Connection } from './connection.ts';

/** What the query endpoint has to know of the engine. */
export type Catalogue = {
  readonly version: string;
  readonly timezone: string;
  /** Formats by their names in lowercase, since case does not matter in a statement. */
  readonly formats: ReadonlyMap<string, { readonly name: string; readonly contentType: string }>;
  /** In lowercase. */
  readonly tableFunctions: ReadonlySet<string>;
  readonly settings: ReadonlySet<string>;
};

export async function readCatalogue(connection: Connection): Promise<Catalogue> {
  const ask = async (sql: string): Promise<string[][]> => {
    const answer = await connection.queryAsync(sql, { format: 'JSONCompactEachRow' });
    const lines = Buffer.from(answer.bytes()).toString().trim().split('\n');
    return lines.map((line) => JSON.parse(line) as string[]);
  };
  const formats = await ask('SELECT name, content_type FROM system.formats WHERE is_output');
  const [[version = '', timezone = 'UTC'] = []] = await ask('SELECT version(), timezone()');
  return {
    version,
    timezone,
    formats: new Map(formats.map(([name = '', contentType = '']) => [name.toLowerCase(), { name, contentType }])),
    tableFunctions: new Set((await ask('SELECT lower(name) FROM system.table_functions')).map(([name = '']) => name)),
    settings: new Set((await ask('SELECT name FROM system.settings')).map(([name = '']) => name)),
  };
}
