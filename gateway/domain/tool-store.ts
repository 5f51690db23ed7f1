/** What the store keeps of the tools that MCP servers list, each with every definition that it had. */
export type ToolStore = {
  /** Keeps definitions as the ones that were seen last. */
  keep(system: string, tools: readonly KeptTool[]): Promise<void>;
  /** The definition that was seen last, as JSON text; null if no list had the tool. */
  latest(system: string, name: string): Promise<string | null>;
  /** Every tool that a list ever had, once. */
  names(): Promise<readonly { readonly system: string; readonly name: string }[]>;
};

/** A definition as its server wrote it, and what tells it from others of the same tool. */
export type KeptTool = { readonly name: string; readonly digest: string; readonly text: string };
