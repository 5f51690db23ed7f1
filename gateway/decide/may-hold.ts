import type { RuleSource } from '../domain/bundle.ts';

/**
 * Whether a rule names a tool of a system among those that it holds; null stands for any tool. A rule that names none,
 * such as one for agents that are unsure, says nothing about the tools of a system.
 * @param sources the rules of one bundle
 */
export function createMayHold(sources: readonly RuleSource[]): (system: string, tool: string | null) => boolean {
  const named = new Map<string, Set<string>>();
  for (const { package: name, verdict, tools = [] } of sources) {
    if (verdict !== 'hold' || tools.length === 0) continue;
    named.set(name, new Set([...(named.get(name) ?? []), ...tools]));
  }
  return (system, tool) =>
    ['rules.all', `rules.${system}`].some((name) => {
      const tools = named.get(name);
      return tools !== undefined && (tool === null || tools.has(tool));
    });
}
