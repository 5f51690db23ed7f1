import { Problem } from '../domain/problem.ts';
import type { System } from '../domain/system.ts';

const LOOPBACK = /^(?:(?:.+\.)?localhost|127(?:\.\d+){3}|\[::1\])$/;

/**
 * Refuses a request of MCP that a page of another site sends: by DNS rebinding, a page reaches listeners of its visitor's
 * own network (2025-11-25, Transports, Security Warning). Programs send no Origin.
 * @throws Problem `foreign-origin`
 */
export function assertOwnOrigin({ hosts, cors }: Pick<System, 'hosts' | 'cors'>, origin: string | undefined): void {
  if (origin === undefined || cors?.origins.includes('*') || cors?.origins.includes(origin)) return;
  const host = URL.canParse(origin) ? new URL(origin).hostname : '';
  if (!LOOPBACK.test(host) && !hosts.includes(host)) throw new Problem('foreign-origin');
}
