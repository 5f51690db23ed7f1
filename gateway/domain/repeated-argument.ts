/** An argument of a tool that a header repeats, for those who route by headers (MCP 2026-07-28, `x-mcp-header`). */
export type RepeatedArgument = {
  /** The name of the header, in lower case. */
  readonly header: string;
  /** The names of the members that lead to it. */
  readonly path: readonly string[];
};
