import { parseSpans } from '../../json/text.ts';
import { REVISION_WITH_TASKS } from '../../mcp/protocol.ts';

const TASKS = '"tasks":{"cancel":{},"requests":{"tools":{"call":{}}}}';

/**
 * The result of `initialize` with the capability of running calls of tools as tasks (2025-11-25). Clients ask for tasks
 * only where the server has it. Of a server with tasks of its own, it stays as it is.
 * @returns the same text if nothing changes, or if it is no such result
 */
export function offerTasks(json: string): string {
  let result: ReturnType<typeof parseSpans> | undefined;
  try {
    result = parseSpans(json).members.get('result')?.value;
  } catch {
    return json;
  }
  const revision = result?.members.get('protocolVersion')?.value;
  const capabilities = result?.members.get('capabilities')?.value;
  if (!revision || json.slice(revision.start, revision.end) !== `"${REVISION_WITH_TASKS}"`) return json;
  if (!capabilities?.members.has('tools') || capabilities.members.has('tasks')) return json;
  const at = capabilities.start + 1;
  return `${json.slice(0, at)}${TASKS},${json.slice(at)}`;
}
