import { parseSpans, type Span } from '../../json/text.ts';

/** Milliseconds for which a client may keep a list: policy decides what is on it, and may change. */
const LONGEST_TTL = 60_000;

/** What becomes of the tools on a list. */
export type ListRules = {
  /** Gets the tools that the server lists, as JSON texts. */
  listed(tools: readonly string[]): void;
  isListed(tool: string): boolean;
  /** Whether the client may have calls of the tool run as tasks by the gateway (2025-11-25). */
  runsAsTask(tool: string): boolean;
};

/**
 * A result of `tools/list` without the tools that policy blocks whatever their arguments. What stays is byte for byte the
 * server's, but that tools which may be held can run as tasks. A cache that clients share must not keep it, since agents
 * differ (2026-07-28: `cacheScope`, `ttlMs`).
 * @returns the same text if nothing changes, or if it is no such result
 */
export function changeList(json: string, rules: ListRules): string {
  const result = parse(json)?.members.get('result')?.value;
  if (!result) return json;
  const edits: Edit[] = [];
  const tools = result.members.get('tools')?.value;
  if (tools) {
    rules.listed(tools.elements.map(({ start, end }) => json.slice(start, end)));
    edits.push(...editsOfTools(json, tools, rules));
  }
  const scope = result.members.get('cacheScope')?.value;
  if (scope && json.slice(scope.start, scope.end) !== '"private"') edits.push({ ...scope, text: '"private"' });
  const ttl = result.members.get('ttlMs')?.value;
  if (ttl && Number(json.slice(ttl.start, ttl.end)) > LONGEST_TTL) edits.push({ ...ttl, text: String(LONGEST_TTL) });
  return edit(json, edits);
}

type Edit = { readonly start: number; readonly end: number; readonly text: string };

function edit(json: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((a, b) => b.start - a.start)
    .reduce((text, { start, end, text: given }) => text.slice(0, start) + given + text.slice(end), json);
}

function parse(json: string): Span | null {
  try {
    return parseSpans(json);
  } catch {
    return null;
  }
}

/** Cuts whole elements. What stays is byte for byte as the server wrote it, with one comma between two. */
function editsOfTools(json: string, { elements }: Span, { isListed, runsAsTask }: ListRules): Edit[] {
  const tools = elements.map((element) => ({ element, name: nameOf(json, element) }));
  const kept = tools.filter(({ name }) => name === null || isListed(name));
  const offered = kept.flatMap(({ element, name }) =>
    name !== null && runsAsTask(name) ? offerTask(json, element) : [],
  );
  if (kept.length === elements.length) return offered;
  const textOf = ({ start, end }: Span) => {
    const own = offered.filter((each) => each.start >= start && each.end <= end);
    const below = own.map((each) => ({ ...each, start: each.start - start, end: each.end - start }));
    return edit(json.slice(start, end), below);
  };
  const text = kept.map(({ element }) => textOf(element)).join(',');
  return [{ start: elements[0]!.start, end: elements.at(-1)!.end, text }];
}

function nameOf(json: string, { members }: Span): string | null {
  const name = members.get('name')?.value;
  return name && json[name.start] === '"' ? (JSON.parse(json.slice(name.start, name.end)) as string) : null;
}

/** Says that the tool may run as a task, unless the server says so itself. Never `required`: clients then fail. */
function offerTask(json: string, { start, members }: Span): Edit[] {
  const execution = members.get('execution')?.value;
  if (!execution || json[execution.start] !== '{') {
    const text = '"execution":{"taskSupport":"optional"},';
    return execution ? [] : [{ start: start + 1, end: start + 1, text }];
  }
  const support = execution.members.get('taskSupport')?.value;
  if (!support) {
    const comma = execution.members.size > 0 ? ',' : '';
    return [{ start: execution.start + 1, end: execution.start + 1, text: `"taskSupport":"optional"${comma}` }];
  }
  const isForbidden = json.slice(support.start, support.end) === '"forbidden"';
  return isForbidden ? [{ ...support, text: '"optional"' }] : [];
}
