import type { Clock } from '../../domain/clock.ts';
import type { ToolStore } from '../../domain/tool-store.ts';
import { readTool, type FindTool, type ToolDefinition } from '../../mcp/tool-definition.ts';

/** The longest definition that is kept, in characters. */
const LONGEST = 256 * 1024;
/** The most tools that one process remembers, and the most that it keeps of one list. */
const MOST = 20_000;
/** Milliseconds after which an unchanged definition is kept anew: the store forgets what no list had for 30 days. */
const KEPT_ANEW = 24 * 3_600_000;
/** Milliseconds for which a tool that the store does not have counts as unknown. */
const UNKNOWN_FOR = 1_000;

/** The tools that MCP servers list: what their clients saw of them, and so what reviewers are shown. */
export type ToolCatalog = {
  /** A server listed these. @param texts the elements of its list, as JSON text */
  listed(system: string, texts: readonly string[]): void;
  readonly find: FindTool;
};

/** Other processes and earlier runs may have seen a list that this process has not: the store knows. */
export function createToolCatalog(deps: {
  readonly tools: ToolStore;
  readonly clock: Clock;
  readonly failed: (error: unknown) => void;
}): ToolCatalog {
  const { tools, clock, failed } = deps;
  /** Null for a tool that the store does not have. */
  const known = new Map<string, { readonly tool: ToolDefinition | null; readonly at: number }>();

  function remember(system: string, name: string, tool: ToolDefinition | null): void {
    const key = `${system} ${name}`;
    known.delete(key);
    known.set(key, { tool, at: clock() });
    if (known.size > MOST) known.delete(known.keys().next().value!);
  }

  async function read(system: string, name: string): Promise<ToolDefinition | null> {
    try {
      const text = await tools.latest(system, name);
      const tool = text === null ? null : readTool(text);
      remember(system, name, tool);
      return tool;
    } catch (error) {
      failed(error);
      return null;
    }
  }

  return {
    listed(system, texts) {
      const now = clock();
      const news = texts.slice(0, MOST).flatMap((text) => {
        const tool = text.length > LONGEST ? null : readTool(text);
        if (!tool) return [];
        const seen = known.get(`${system} ${tool.name}`);
        const isKnown = seen?.tool?.digest === tool.digest && now - seen.at < KEPT_ANEW;
        return isKnown ? [] : [{ tool, text }];
      });
      if (news.length === 0) return;
      for (const { tool } of news) remember(system, tool.name, tool);
      const kept = new Map(news.map(({ tool, text }) => [tool.name, { name: tool.name, digest: tool.digest, text }]));
      // A list must not wait for the store, nor fail with it.
      tools.keep(system, [...kept.values()]).catch((error: unknown) => {
        for (const name of kept.keys()) known.delete(`${system} ${name}`);
        failed(error);
      });
    },
    find(system, name) {
      const seen = known.get(`${system} ${name}`);
      if (seen && (seen.tool !== null || clock() - seen.at < UNKNOWN_FOR)) return seen.tool;
      return read(system, name);
    },
  };
}
