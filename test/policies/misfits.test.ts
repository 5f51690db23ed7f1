import { expect, test } from 'vitest';
import { misfits } from '../../policies/misfits.ts';
import { inputText } from '../../gateway/domain/call-input.ts';
import { actionText, createInput, principalText } from '../../gateway/domain/policy-input.ts';
import { parseExactly } from '../../gateway/json/exact-json.ts';

test('an input as the gateway writes it fits, and so does the part of one that names its system', () => {
  const action = {
    operation: 'createRefund',
    method: 'POST',
    path: '/v1/refunds',
    segments: ['v1', 'refunds'],
    protocol: 'http',
  };
  const whole = createInput(
    principalText({ agent: 'bot', owner: 'ana@example.com', roles: [], onBehalfOf: [] }),
    actionText('payments', action, { type: 'refunds', id: null }),
    '{}',
    '{}',
    2,
    '{"amount":12345678901234567890.10}',
    { at: 0, ip: '127.0.0.1', claims: { confidence: 0.9 } },
  );
  expect(misfits(parseExactly(inputText(whole)))).toEqual([]);
  expect(misfits({ action: { system: 'payments' } })).toEqual([]);
});

test.each<[what: string, input: unknown, pointer: string, expected: string]>([
  ['nothing', {}, '/action/system', 'expected the name of a system, by which rules are chosen'],
  ['a system that is a number', { action: { system: 1 } }, '/action/system', 'expected text'],
  ['an action that is text', { action: 'POST' }, '/action', 'expected an object'],
  [
    'a misspelt member',
    { action: { system: 'a', 'me/thud': 'GET' } },
    '/action/me~1thud',
    'inputs have no such member',
  ],
  [
    'a protocol that there is not',
    { action: { system: 'a', protocol: 'ftp' } },
    '/action/protocol',
    'expected http or websocket or mcp',
  ],
  [
    'half a call',
    { action: { system: 'a' }, usage: { agent: { day: { calls: 1.5 } } } },
    '/usage/agent/day/calls',
    'expected a whole number',
  ],
  [
    'a number for an identifier',
    { action: { system: 'a' }, resource: { id: 5 } },
    '/resource/id',
    'expected text or null',
  ],
])('%s does not fit, and the place and what was expected are told', (_what, input, pointer, expected) => {
  expect(misfits(input)).toEqual([{ pointer, expected }]);
});

test('of an input with many strange members the first twenty are told', () => {
  const strange = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x${index}`, 1]));
  expect(misfits({ action: { system: 'a', ...strange } })).toHaveLength(20);
});
