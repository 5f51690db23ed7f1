/** An operation that a system says it has, whether or not an agent ever called it. */
export type DeclaredOperation = {
  readonly system: string;
  /** As events name it. */
  readonly operation: string;
  /** Where it says so: the OpenAPI document of the system or of its preset, or its list of MCP tools. */
  readonly source: 'openapi' | 'tools';
};
