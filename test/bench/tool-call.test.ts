import { expect, test } from 'vitest';
import { orders } from '../../bench/orders.ts';
import { callTool, postAsLong } from '../../bench/scenarios/tool-call.ts';

test('every order is different in what policy reads, and small enough to be allowed', () => {
  const made = orders(2000);
  expect(new Set(made.map(({ quantity }) => quantity)).size).toBe(2000);
  expect(made.every(({ quantity }) => quantity > 0 && quantity <= 50)).toBe(true);
});

test('each POST is as long as the tool call that it is compared with', () => {
  const lengths = ({ request }: { request: { bodies: readonly string[] } }): number[] =>
    request.bodies.map((body) => Buffer.byteLength(body));
  expect(lengths(postAsLong)).toEqual(lengths(callTool));
});
