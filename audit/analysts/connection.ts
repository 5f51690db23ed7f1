/**
 * A connection to the engine. Its settings and parameters last as long as it does; its statements run one after another.
 * Opening one is cheap.
 */
export type Connection = {
  queryAsync(sql: string, options: { format: string }): Promise<Answer>;
  close(): void;
};

export type Answer = {
  bytes(): Uint8Array;
  readonly rowsRead: number;
  readonly bytesRead: number;
  /** Seconds. */
  readonly elapsed: number;
};

/** A string literal in SQL. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The statement that sets a connection's parameters, values as sent; null where there are none. */
export function setParameters(parameters: ReadonlyMap<string, string>): string | null {
  if (parameters.size === 0) return null;
  return `SET ${[...parameters].map(([name, value]) => `param_${name} = ${quote(value)}`).join(', ')}`;
}
