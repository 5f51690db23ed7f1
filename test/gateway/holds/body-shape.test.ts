import { expect, test } from 'vitest';
import type { HeldCall } from '../../../gateway/domain/hold.ts';
import { bodyShape } from '../../../gateway/holds/body-shape.ts';
import { refundCall } from '../../helpers/hold.ts';

function call(body: string | undefined, changes: Partial<HeldCall> = {}): HeldCall {
  const action = body === undefined ? '{}' : `{"body":${body}}`;
  return {
    ...refundCall(0),
    target: '/v1/refunds',
    body: Buffer.from(body ?? ''),
    input: `{"action":${action}}`,
    ...changes,
  };
}
const shape = (body: string | undefined, changes: Partial<HeldCall> = {}) => bodyShape(call(body, changes));

test('calls that differ in values alone have one shape', () => {
  const like = shape('{"amount":5,"to":{"name":"a","ok":true},"items":[{"n":1},{"n":2}],"note":null}');
  expect(like).toMatch(/^[0-9a-f]{64}$/);
  expect(shape('{"to":{"ok":false,"name":"b"},"amount":12345678901234567890,"items":[{"n":3}],"note":null}')).toBe(
    like,
  );
});

test.each([
  ['another member', '{"amount":5,"to":"b"}'],
  ['a member less', '{}'],
  ['another type', '{"amount":"5"}'],
  ['a list', '{"amount":[5]}'],
  ['nothing', undefined],
])('a call with %s has another shape', (_what, other) => {
  expect(shape(other)).not.toBe(shape('{"amount":5}'));
});

test('names of parameters are part of the shape, their values are not', () => {
  const of = (target: string) => shape('{"amount":5}', { target });
  expect(of('/v1/refunds?b=1&a=2')).toBe(of('/v1/refunds/7?a=3&b=4'));
  expect(of('/v1/refunds?a=1')).not.toBe(of('/v1/refunds'));
});

test('a call whose values people could not compare has no shape', () => {
  expect(shape(undefined, { body: Buffer.from([0xff, 0x00]) })).toBeNull();
  expect(shape(`{"text":"${'x'.repeat(70_000)}"}`)).toBeNull();
  const other = call('{"amount":6}').input;
  expect(shape('{"amount":5}', { otherReadings: [other] })).toBeNull();
  expect(shape('{"amount":5}', { otherReadings: [call('{"amount":5}').input] })).not.toBeNull();
});
