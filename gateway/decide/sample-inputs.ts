import type { Bundle } from '../domain/bundle.ts';

const SYSTEMS = 16;

/** Inputs of everyday calls for the systems that a bundle has rules for: enough to warm up its evaluation. */
export function sampleInputs(bundle: Bundle): string[] {
  const systems = new Set(bundle.rules.map((rule) => rule.package.replace(/^rules\./, '')));
  systems.add('all');
  return [...systems]
    .slice(0, SYSTEMS)
    .flatMap((system) => [
      sample(system, 'GET', undefined),
      sample(system, 'POST', { id: 'ch_3Nx0000000000000', amount: '1500', metadata: { order: '1' } }),
    ]);
}

function sample(system: string, method: string, body: unknown): string {
  return JSON.stringify({
    principal: { agent: 'sample', owner: 'sample@example.com', roles: ['sample'], on_behalf_of: [], session: null },
    action: {
      system,
      operation: `${method} /v1/samples`,
      method,
      path: '/v1/samples',
      segments: ['v1', 'samples'],
      query: {},
      headers: { 'content-type': 'application/json' },
      protocol: 'http',
      body_bytes: body === undefined ? 0 : 100,
      body,
    },
    resource: { type: 'samples', id: null },
    context: { time: '2026-01-01T00:00:00.000Z', ip: '127.0.0.1', flags: [], confidence: 0.9, claims: {} },
  });
}
