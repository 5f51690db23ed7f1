import { operationNames } from '../../describe/http/openapi.ts';
import type { DeclaredOperation } from '../../domain/declared-operation.ts';
import type { System } from '../../domain/system.ts';
import type { ToolStore } from '../../domain/tool-store.ts';

/** What the systems behind the gateway say they can do: in OpenAPI documents, and in the lists of tools that passed here. */
export async function declaredOperations(
  systems: ReadonlyMap<string, Pick<System, 'openapi'>>,
  tools: Pick<ToolStore, 'names'>,
): Promise<readonly DeclaredOperation[]> {
  const described = [...systems].flatMap(([system, { openapi }]) =>
    openapi === undefined
      ? []
      : operationNames(openapi).map((operation): DeclaredOperation => ({ system, operation, source: 'openapi' })),
  );
  const listed = (await tools.names())
    .filter(({ system }) => systems.has(system))
    .map(({ system, name }): DeclaredOperation => ({ system, operation: name, source: 'tools' }));
  return [...described, ...listed];
}
