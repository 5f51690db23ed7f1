/**
 * A connection to the engine. Settings and parameters that it is told live as long as it does; its statements run one
 * after the other. Opening one takes less than a millisecond.
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

/** Text as a string in SQL. */
export function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** The statement that gives a connection its parameters, as they travel; null where there are none. */
export function setParameters(parameters: ReadonlyMap<string, string>): string | null {
  if (parameters.size === 0) return null;
  return `SET ${[...parameters].map(([name, value]) => `param_${name} = ${quote(value)}`).join(', ')}`;
}
