import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../gateway/domain/call.ts';
import type { Decision } from '../../../gateway/domain/decision.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { eventOfLine } from '../../../audit/journal/event-of-line.ts';
import type { EventLine } from '../../../gateway/domain/journal.ts';
import { InputParts, inputText } from '../../../gateway/domain/call-input.ts';
import type { ScannedObject } from '../../../gateway/json/scanned-object.ts';
import { checkJson } from '../../../gateway/json/validate.ts';
import type { Completion } from '../../../gateway/domain/completion.ts';
import { createCallLines } from '../../../gateway/record/call-events.ts';
import { brokenInputs, lineInputs } from '../../audit/inputs.ts';

const id = (kind: string) => fc.uuid().map((uuid) => `${kind}_${uuid.replaceAll('-', '')}`);
const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 20 }), fc.constantFrom('', 'plain', '\ud800', '"\\\n'));
const words = fc.array(word, { maxLength: 3 });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });
const verdict = fc.constantFrom('allow', 'hold', 'block') as fc.Arbitrary<Decision['verdict']>;
const millis = nullable(fc.double({ min: 0, max: 1e6, noNaN: true }));

const calls = fc.record({
  id: id('call'),
  receivedAt: fc.integer({ min: 1, max: 2 ** 45 }),
  principal: fc.record({ agent: word, owner: word, roles: words, onBehalfOf: words }),
  system: word,
  operation: word,
  method: fc.constantFrom('GET', 'POST'),
  path: word,
  resource: fc.record({ type: word, id: nullable(word) }),
  claims: fc.record({
    session: optional(word),
    task: optional(word),
    confidence: optional(fc.double({ min: 0, max: 1, noNaN: true })),
    flags: optional(words),
  }),
  body: fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
  traceId: nullable(fc.stringMatching(/^[0-9a-f]{32}$/)),
  input: fc.oneof(lineInputs, brokenInputs, fc.json(), word),
}) as unknown as fc.Arbitrary<Call>;

const decisions = fc.record({
  id: id('dec'),
  verdict,
  rules: fc.array(fc.record({ id: word, verdict, reason: nullable(word), trigger: fc.constant('rule' as const) })),
  reason: word,
  policyRevision: word,
  fault: nullable(word),
  decideMicros: fc.nat(),
}) as unknown as fc.Arbitrary<Decision>;

const completions = fc.record({
  status: fc.constantFrom(0, 200, 403, 502),
  code: nullable(fc.constantFrom('blocked', 'upstream-failed', 'approval-pending')),
  responseBytes: fc.nat(),
  upstreamMs: millis,
  heldMs: millis,
  holdId: nullable(id('hold')),
  cost: nullable(fc.record({ amount: fc.double({ min: 0, max: 1e12, noNaN: true }), unit: word })),
}) as unknown as fc.Arbitrary<Completion>;

const lineText = (line: EventLine): string =>
  typeof line === 'string' ? line : line.before + line.bytes.toString() + line.after;

const place = optional(fc.record({ path: word, operation: word, resource: word }));
const nodes = word.filter((name) => name !== '');

describe('the lines of a call', () => {
  it('the lines of a call are what eventLine writes, so that rows can be reproduced byte for byte', () => {
    fc.assert(
      fc.property(
        nodes,
        calls,
        decisions,
        completions,
        place,
        fc.nat(),
        (node, call, decision, completion, at, took) => {
          const lines = createCallLines(node);
          const end = { at: call.receivedAt, took, place: at };
          const decided = lineText(lines.decided(call, decision));
          expect(eventOfLine(decided).input ?? '').toBe(inputText(call.input).toWellFormed());
          for (const line of [decided, lines.completed(call, decision, completion, end)]) {
            expect(eventLine(eventOfLine(line))).toBe(line);
          }
        },
      ),
    );
  });

  it('an input in parts gives the same line as its text', () => {
    const filler = `"filler":"${'x'.repeat(1100)}"`;
    const bodies = [`{${filler},"note":"Müller \ud83d\ude00"}`, `{\n ${filler}\n}`, `{${filler}}\r\n`];
    fc.assert(
      fc.property(calls, decisions, fc.constantFrom(...bodies), (call, decision, body) => {
        const lines = createCallLines('gw');
        const input = new InputParts('{"action":{"body":', checkJson(Buffer.from(body)) as ScannedObject, '}}');
        const whole = lines.decided({ ...call, input: inputText(input) }, decision);
        expect(lineText(lines.decided({ ...call, input }, decision))).toBe(whole);
      }),
    );
  });

  it('the lines of a call describe that call, even when it shares texts with other calls', () => {
    fc.assert(
      fc.property(calls, decisions, word, verdict, (call, decision, other, judged) => {
        const lines = createCallLines('gw');
        const twin = { ...call, path: other, operation: `${other}x` };
        const changed = { ...decision, reason: other, verdict: judged };
        lines.decided(call, decision);
        const event = eventOfLine(lineText(lines.decided(twin, changed)));
        expect(event.path ?? '').toBe(other.toWellFormed());
        expect(event.operation).toBe(`${other}x`.toWellFormed());
        expect(event.reason ?? '').toBe(other.toWellFormed());
        expect(event.verdict).toBe(judged);
        expect(JSON.parse(lineText(lines.decided(call, decision)))).toMatchObject({
          call_id: call.id,
          verdict: decision.verdict,
        });
      }),
    );
  });
});
