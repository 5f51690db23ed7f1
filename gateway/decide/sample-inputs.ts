import type { Bundle } from '../domain/bundle.ts';
import { inputText } from '../domain/call-input.ts';
import { actionText, createInput, principalText, type PolicyInput } from '../domain/policy-input.ts';

const SYSTEMS = 16;

/** Inputs of everyday calls to the systems that a bundle has rules for: enough to warm up its evaluation. */
export function sampleInputs(bundle: Bundle): string[] {
  const systems = new Set(bundle.rules.map((rule) => rule.package.replace(/^rules\./, '')));
  systems.add('all');
  return [...systems]
    .slice(0, SYSTEMS)
    .flatMap((system) => [
      sample(system, 'GET', null),
      sample(system, 'POST', { id: 'ch_3Nx0000000000000', amount: '1500', metadata: { order: '1' } }),
    ]);
}

const PRINCIPAL = principalText({ agent: 'sample', owner: 'sample@example.com', roles: ['sample'], onBehalfOf: [] });
const CONTEXT = { at: Date.UTC(2026, 0), ip: '127.0.0.1', claims: { confidence: 0.9 } };

function sample(system: string, method: string, body: object | null): PolicyInput {
  const path = '/v1/samples';
  const action = { operation: `${method} ${path}`, method, path, segments: ['v1', 'samples'], protocol: 'http' };
  const json = body && JSON.stringify(body);
  const input = createInput(
    PRINCIPAL,
    actionText(system, action, { type: 'samples', id: null }),
    '{}',
    '{"content-type":"application/json"}',
    json?.length ?? 0,
    json,
    CONTEXT,
  );
  return inputText(input);
}
