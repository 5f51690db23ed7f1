import { parseSpans, type Span } from '../../json/text.ts';

/** Milliseconds for which a client may keep a list: policy decides what is on it, and may change. */
const LONGEST_TTL = 60_000;

/**
 * A result of `tools/list` without the tools that policy blocks whatever their arguments. What stays is byte for byte the
 * server's. A cache that clients share must not keep it, since agents differ (2026-07-28: `cacheScope`, `ttlMs`).
 * @returns the same text if nothing changes, or if it is no such result
 */
export function filterTools(json: string, isListed: (tool: string) => boolean): string {
  const result = parse(json)?.members.get('result')?.value;
  if (!result) return json;
  const edits: Edit[] = [];
  const tools = result.members.get('tools')?.value;
  if (tools) edits.push(...withoutTools(json, tools, isListed));
  const scope = result.members.get('cacheScope')?.value;
  if (scope && json.slice(scope.start, scope.end) !== '"private"') edits.push({ ...scope, text: '"private"' });
  const ttl = result.members.get('ttlMs')?.value;
  if (ttl && Number(json.slice(ttl.start, ttl.end)) > LONGEST_TTL) edits.push({ ...ttl, text: String(LONGEST_TTL) });
  return edits.toSorted((a, b) => b.start - a.start).reduce(apply, json);
}

type Edit = { readonly start: number; readonly end: number; readonly text: string };

function apply(json: string, { start, end, text }: Edit): string {
  return json.slice(0, start) + text + json.slice(end);
}

function parse(json: string): Span | null {
  try {
    return parseSpans(json);
  } catch {
    return null;
  }
}

/** Cuts whole elements. What stays is byte for byte as the server wrote it, with one comma between two. */
function withoutTools(json: string, { elements }: Span, isListed: (tool: string) => boolean): Edit[] {
  const kept = elements.filter((tool) => {
    const name = tool.members.get('name')?.value;
    return !name || json[name.start] !== '"' || isListed(JSON.parse(json.slice(name.start, name.end)) as string);
  });
  if (kept.length === elements.length) return [];
  const text = kept.map(({ start, end }) => json.slice(start, end)).join(',');
  return [{ start: elements[0]!.start, end: elements.at(-1)!.end, text }];
}
