import { parseReadably } from '../../gateway/json/exact-json.ts';
import type { ContextPackage } from '../api/hold-schemas.ts';

type Shown = NonNullable<ContextPackage['action']>['tool_definition'];

/** What reviewers see of a tool as its server listed it. @param text JSON */
export function showDefinition(text: string | null): Shown {
  if (text === null) return null;
  const { title, description, inputSchema } = parseReadably(text) as {
    readonly title?: unknown;
    readonly description?: unknown;
    readonly inputSchema?: unknown;
  };
  return {
    title: typeof title === 'string' ? title : null,
    description: typeof description === 'string' ? description : null,
    input_schema: inputSchema ?? null,
  };
}
