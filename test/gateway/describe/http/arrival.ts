import type { Principal } from '../../../../gateway/domain/principal.ts';
import { Problem } from '../../../../gateway/domain/problem.ts';
import type { System } from '../../../../gateway/domain/system.ts';
import type { Arrival } from '../../../../gateway/describe/http/http-call.ts';

export const PRINCIPAL: Principal = {
  agent: 'billing-bot',
  owner: 'ana@example.com',
  roles: ['payer'],
  onBehalfOf: [],
};

export function testSystem(changes: Partial<System> = {}): System {
  return {
    name: 'payments',
    upstream: new URL('https://api.example.com/'),
    hosts: [],
    agentCredential: { header: 'x-api-key' },
    wait: 50_000,
    bodyLimit: 2 ** 20,
    formFields: 1000,
    timeout: 30_000,
    connections: 10,
    idempotent: false,
    ...changes,
  };
}

/** A call as node hands it over. */
export function testArrival(
  line: string,
  head: Readonly<Record<string, string>> = {},
  body: string | Buffer = '',
): Arrival {
  const [method = '', target = ''] = line.split(' ');
  return {
    id: 'call_1',
    at: Date.UTC(2026, 10, 21, 3, 40, 0, 7),
    principal: PRINCIPAL,
    target,
    method,
    rawHeaders: Object.entries(head).flat(),
    headers: Object.fromEntries(Object.entries(head).map(([name, value]) => [name.toLowerCase(), value])),
    body: Buffer.from(body),
    decoded: Buffer.from(body),
    ip: '127.0.0.1',
    protocol: 'http',
  };
}

/** The problem that `attempt` throws. */
export function problemOf(attempt: () => unknown): Problem {
  try {
    attempt();
  } catch (problem) {
    if (problem instanceof Problem) return problem;
    throw problem;
  }
  throw new Error('nothing was refused');
}
