import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';

/** What a request is sent to. `target` is path and query below the system. */
type Sent = { readonly method: string; readonly target: string };

/**
 * Whether a request is one of MCP's transport. A slash at the end of the path makes no difference. Other methods at that
 * path are plain calls.
 */
export function isMcpRequest({ mcp }: Pick<System, 'mcp'>, { method, target }: Sent): boolean {
  return mcp !== undefined && withoutSlash(pathOf(target)) === withoutSlash(mcp) && METHODS.has(method);
}

/**
 * Refuses another spelling of the MCP path, which the system might take for it: messages would pass unread.
 * @throws Problem `ambiguous-path`
 */
export function assertPlainMcpPath({ mcp }: Pick<System, 'mcp'>, target: string): void {
  if (mcp === undefined) return;
  const path = pathOf(target);
  if (withoutSlash(path) === withoutSlash(mcp) || plainest(path) !== plainest(mcp)) return;
  throw new Problem('ambiguous-path', { detail: `Send messages of MCP to ${mcp}, spelled exactly so.` });
}

function pathOf(target: string): string {
  const mark = target.indexOf('?');
  return mark === -1 ? target : target.slice(0, mark);
}

const METHODS: ReadonlySet<string> = new Set(['POST', 'GET', 'DELETE']);

function withoutSlash(path: string): string {
  return path.endsWith('/') ? path.slice(0, -1) : path;
}

/** As the most lenient server reads a path: decoded, without case, path parameters and empty segments. */
function plainest(path: string): string {
  let decoded = path;
  for (let i = 0; i < 3 && decoded.includes('%'); i++) decoded = decoded.replaceAll(/%([0-9a-f]{2})/gi, decodeByte);
  return decoded
    .toLowerCase()
    .replaceAll('\\', '/')
    .split('/')
    .map((segment) => segment.replace(/;.*$/s, '').trim())
    .filter((segment) => segment !== '' && segment !== '.')
    .join('/');
}

function decodeByte(_: string, hex: string): string {
  return String.fromCharCode(Number.parseInt(hex, 16));
}
