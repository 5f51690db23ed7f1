import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createMask, MOST_INPUT } from '../../../audit/mask/mask.ts';
import { createEvaluator } from '../../../gateway/decide/evaluator.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { InputParts } from '../../../gateway/domain/call-input.ts';
import type { ScannedObject } from '../../../gateway/json/scanned-object.ts';
import { checkJson } from '../../../gateway/json/validate.ts';
import { mayHoldSecret } from '../../../gateway/secrets/secret.ts';
import { compileRego } from '../../helpers/policy.ts';

const failures: unknown[] = [];
const failed = (cause: unknown) => void failures.push(cause);
const { mask: byDefault, spares } = createMask({ policy: () => null, failed });

type Parts = { readonly body?: string; readonly query?: object; readonly path?: string; readonly reason?: string };

/** A decision with its input, as the recorder hands it over. */
function decided({ body = '{}', query = {}, path = '/v1/refunds', reason = 'Policy says so.' }: Parts): Event {
  const segments = JSON.stringify(path.slice(1).split('/').map(decodeURIComponent));
  const action = `"system":"pay","method":"POST","path":${JSON.stringify(path)},"segments":${segments},"query":${JSON.stringify(query)},"headers":{},"body_bytes":${body.length},"body":${body}`;
  return {
    event_id: 'evt_1',
    at: 1_762_333_200_000,
    node: 'test',
    type: 'call.decided',
    layer: 'decide',
    decision_id: 'dec_1',
    verdict: 'allow',
    rules: ['rules.pay/any'],
    trigger: 'rule',
    reason,
    operation: 'POST /v1/refunds',
    method: 'POST',
    path,
    resource: 'refunds',
    input: `{"principal":{"agent":"bot","session":null},"action":{${action}},"resource":{"type":"refunds","id":null},"context":{"flags":[]}}`,
  };
}

function bodyOf({ input = '' }: Event): unknown {
  return (JSON.parse(input) as { action: { body: unknown } }).action.body;
}

describe('whatever policy says', () => {
  it('no secret crosses the point where an input is cut into halves', () => {
    const words = 'password api key token secret code card pin bearer sk_ live_0123456789 eyJ 4242 - : = . @ x SG. ://';
    const piece = fc.constantFrom(...words.split(' '), ' ', '"', '":"', '\\"', 'a:b', '\\u00', '4242 4242');
    const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, text, (before, behind) => {
        const halves = mayHoldSecret(`${before},`) || mayHoldSecret(`,"query":${behind}`);
        expect(mayHoldSecret(`${before},"query":${behind}`)).toBe(halves);
      }),
      { numRuns: 5000 },
    );
  });

  it('a spared input is unchanged, and an input with a secret is never spared', () => {
    const plain = decided({ body: '{"amount":2000,"note":"two cinemas"}' });
    expect(spares(plain.input!, plain.reason!)).toBe(true);
    expect(byDefault(plain)).toBe(plain);
    const secrets: Parts[] = [
      { body: '{"password":"hunter2"}' },
      { body: '{"note":"4242 4242 4242 4242"}' },
      { path: '/v1/keys/sk_live_0123456789abcdef' },
      { reason: 'It said password=hunter2.' },
      { body: `"${'x'.repeat(MOST_INPUT)}"` },
    ];
    for (const parts of secrets) {
      const event = decided(parts);
      expect(spares(event.input!, event.reason!)).toBe(false);
      expect(byDefault(event)).not.toEqual(event);
    }
  });

  it('an input in parts hides no secret in its body or elsewhere', () => {
    const sparesWith = (parts: Parts) => {
      const { input = '', reason = '' } = decided(parts);
      const [before = '', after = ''] = input.split(parts.body!);
      return spares(new InputParts(before, checkJson(Buffer.from(parts.body!)) as ScannedObject, after), reason);
    };
    const long = `"filler":"${'x'.repeat(1100)}"`;
    expect(sparesWith({ body: `{${long},"note":"two cinemas"}` })).toBe(true);
    expect(sparesWith({ body: `{${long},"note":"password=hunter2"}` })).toBe(false);
    expect(sparesWith({ body: `{${long},"password":"hunter2"}` })).toBe(false);
    expect(sparesWith({ body: `{${long},"card":4242424242424242}` })).toBe(false);
    expect(sparesWith({ body: `{${long}}`, query: { token: 'x', body_bytes: '1' } })).toBe(false);
    expect(sparesWith({ body: `{${long}}`, path: '/v1/keys/sk_live_0123456789abcdef' })).toBe(false);
  });

  it('an input without a secret goes on record as it was judged, byte for byte', () => {
    const event = decided({ body: '{ "amount": 12345678901234567890, "note": "caf\\u00e9",\n "max_tokens": 100 }' });
    expect(byDefault(event)).toBe(event);
  });

  it('members with names of secrets are masked as a whole, and the rest stays byte for byte', () => {
    const body =
      '{ "amount" : 1.50, "password":"hunter2", "card": {"cvc":123, "pin": true}, "credentials": {"user":"u","list":[1,"x"]}, "token":"" }';
    const { input, masked } = byDefault(decided({ body }));
    expect(input).toContain(
      '{ "amount" : 1.50, "password":"***", "card": {"cvc":"***", "pin": true}, "credentials": "***", "token":"" }',
    );
    expect(masked).toEqual(['/action/body/password', '/action/body/card/cvc', '/action/body/credentials']);
  });

  it('values that look like secrets are masked wherever they stand', () => {
    const event = byDefault(
      decided({
        body: '{"lines":["pay 4242 4242 4242 4242",{"n":4242424242424242,"k":"sk_live_abcdefgh1234"}]}',
        query: { key: 'x', api_key: 'abc', q: 'Bearer abcdefgh12345678' },
        path: '/v1/cards/4242424242424242',
        reason: 'Refund to 4242424242424242 is too large.',
      }),
    );
    expect(bodyOf(event)).toEqual({ lines: ['pay ***', { n: '***', k: '***' }] });
    expect(event).toMatchObject({ path: '/v1/cards/***', reason: 'Refund to *** is too large.' });
    expect(event.masked).toEqual([
      '/action/path',
      '/action/segments/2',
      '/action/query/api_key',
      '/action/query/q',
      '/action/body/lines/0',
      '/action/body/lines/1/n',
      '/action/body/lines/1/k',
      'path',
      'reason',
    ]);
  });

  it('an escaped name in the body hides no secret', () => {
    expect(bodyOf(byDefault(decided({ body: String.raw`{"p\u0061ssword":"hunter2"}` })))).toEqual({ password: '***' });
  });

  it('a member whose name is a secret loses its name', () => {
    expect(bodyOf(byDefault(decided({ body: '{"ghp_abcdefghijklmnop1234":1}' })))).toEqual({ '***': 1 });
  });

  it('an input that is too large is dropped, and the rest of the event is still masked', () => {
    const body = JSON.stringify({ text: 'x'.repeat(MOST_INPUT) });
    const { input, masked, path } = byDefault(decided({ body, path: '/cards/4242424242424242' }));
    expect({ input, masked, path }).toEqual({ input: '', masked: ['!too-large', 'path'], path: '/cards/***' });
  });

  const secret = fc.constantFrom(
    'sk_live_PLANTED12345',
    'ghp_PLANTEDabcdefgh12345',
    'Bearer PLANTED-abcdefgh-12345678',
    'eyJPLANTED.eyJzdWIi.c2ln',
    'hp_PLANTEDabcdefgh12345',
    'https://user:PLANTED@host/',
    '{"client_secret": "PLANTED"}',
    'password=PLANTED',
    'xoxb-PLANTED-12345678',
  );
  const name = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('amount', 'note', '__proto__', 'max_tokens'));
  const secretName = fc.constantFrom('password', 'apiKey', 'X-Auth-Token', 'client_secret', 'cvc', 'PIN', 'Set-Cookie');
  const plain = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noNaN: true }));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      plain,
      secret,
      fc.tuple(fc.constantFrom('see ', ''), secret).map(([before, after]) => before + after),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4 }),
      fc.tuple(secretName, fc.jsonValue()).map(([key, inner]) => ({ [key]: { PLANTED: inner, as: 'PLANTED' } })),
      secretName.map((key) => ({ [key]: 'PLANTED' })),
    ),
  }));

  it('no planted secret is in the line of any event, which stays JSON, and nothing else is changed', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1), (planted, indent) => {
        const event = decided({ body: JSON.stringify({ planted }, null, indent) });
        const masked = byDefault(event);
        expect(eventLine(masked)).not.toContain('PLANTED');
        expect(JSON.parse(masked.input!)).toBeTypeOf('object');
        // Masking twice is masking once: what was put in is no secret.
        expect(byDefault({ ...masked, masked: [] }).input).toBe(masked.input);
        expect(masked.masked === undefined ? masked.input : event.input).toBe(event.input);
        expect(sameButMasks(JSON.parse(event.input!), JSON.parse(masked.input!))).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(failures).toEqual([]);
  });
});

/** Whether two values differ only where `***` stands. */
function sameButMasks(before: unknown, after: unknown): boolean {
  if (typeof after === 'string' && after.includes('***')) return true;
  if (typeof before !== 'object' || before === null) return Object.is(before, after);
  if (typeof after !== 'object' || after === null) return false;
  const members = Object.entries(before);
  return (
    Array.isArray(before) === Array.isArray(after) &&
    members.length === Object.keys(after).length &&
    members.every(([key, each]) => sameButMasks(each, Object.getOwnPropertyDescriptor(after, key)?.value))
  );
}

describe('data.system.log.mask', () => {
  const masks: Record<string, (event: Event) => Event> = {};
  const rego = {
    remove: 'mask contains "/input/action/body/card" if input.input.action.body.card',
    objects:
      'mask contains {"op": "upsert", "path": "/input/action/body/note", "value": "(masked)"}\nmask contains {"op": "remove", "path": "/input/action/body/iban"}',
    nowhere: 'mask contains "/input/action/body/nothing/here"\nmask contains "/input/action/body/lines/9"',
    lists:
      'mask contains concat("/", ["/input/action/body/lines", format_int(i, 10)]) if input.input.action.body.lines[i].secretive',
    upsertDeep: 'mask contains {"op": "upsert", "path": "/input/action/body/a/b/c", "value": 1}',
    whole: 'mask contains "/input"',
    path: 'mask contains "/input/action/path"\nmask contains "/input/resource/type"',
    result:
      'mask contains {"op": "upsert", "path": "/result/reason", "value": "(kept back)"} if input.result.verdict == "allow"',
    malformed: 'mask contains "input/action"',
    wrongOp: 'mask contains {"op": "hide", "path": "/input/action"}',
    noSet: 'mask := "all of it"',
    failing: 'mask := "/input/a" if input.input.action.method\nmask := "/input/b" if input.input.action.method',
    secrets:
      'mask contains {"op": "upsert", "path": "/input/action/body/copy", "value": input.input.action.body.password}',
  };

  beforeAll(async () => {
    const entries = await Promise.all(
      Object.entries(rego).map(async ([name, rules]) => {
        const bundle = await compileRego({ 'mask.rego': `package system.log\n\n${rules}\n` });
        return [name, createEvaluator(bundle)] as const;
      }),
    );
    for (const [name, evaluator] of entries) masks[name] = createMask({ policy: () => evaluator.mask, failed }).mask;
  }, 60_000);

  it('the mask removes a named path, and lists it', () => {
    const { input, masked } = masks['remove']!(decided({ body: '{"card":"x","amount":12345678901234567890}' }));
    expect(input).toContain('"body":{"amount":12345678901234567890}');
    expect(masked).toEqual(['/action/body/card']);
  });

  it('the mask leaves other events unchanged', () => {
    const event = decided({ body: '{ "amount":1 }' });
    expect(masks['remove']!(event)).toBe(event);
  });

  it('the mask removes and upserts by objects', () => {
    const event = masks['objects']!(decided({ body: '{"note":"n","iban":"DE"}' }));
    expect(bodyOf(event)).toEqual({ note: '(masked)' });
    expect(event.masked).toEqual(expect.arrayContaining(['/action/body/note', '/action/body/iban']));
  });

  it('the mask ignores paths that lead nowhere', () => {
    const event = decided({ body: '{"lines":[1]}' });
    expect(masks['nowhere']!(event)).toBe(event);
  });

  it('the mask removes several elements of one list, each the intended one', () => {
    const body = JSON.stringify({ lines: [{ secretive: 1 }, { secretive: 1 }, { n: 3 }, { secretive: 1 }] });
    expect(bodyOf(masks['lists']!(decided({ body })))).toEqual({ lines: [{ n: 3 }] });
  });

  it("the mask creates the objects on an upsert's path", () => {
    expect(bodyOf(masks['upsertDeep']!(decided({ body: '{"x":1}' })))).toEqual({ x: 1, a: { b: { c: 1 } } });
    const event = decided({ body: '{"a":[1]}' });
    expect(masks['upsertDeep']!(event)).toBe(event);
  });

  it('the mask can remove the whole input, and with it what the event copied from it', () => {
    const { input, path, resource, masked } = masks['whole']!(decided({}));
    expect({ input, path, resource, masked }).toEqual({ input: '', path: '***', resource: '***/***', masked: [''] });
  });

  it('the mask applies to path and resource of the event as to those of the input', () => {
    expect(masks['path']!(decided({}))).toMatchObject({ path: '***', resource: '***' });
  });

  it('the mask can replace the reason', () => {
    expect(masks['result']!(decided({ reason: 'Because.' }))).toMatchObject({
      reason: '(kept back)',
      masked: ['reason'],
    });
  });

  it.each(['malformed', 'wrongOp', 'noSet', 'failing'])(
    'that is wrong (%s) has the input dropped, and the event kept',
    (name) => {
      const before = failures.length;
      const { input, masked, path } = masks[name]!(decided({ path: '/cards/4242424242424242' }));
      expect({ input, masked, path }).toEqual({ input: '', masked: ['!mask-failed', 'path'], path: '/cards/***' });
      expect(failures).toHaveLength(before + 1);
    },
  );

  it('the mask cannot restore a secret', () => {
    const event = masks['secrets']!(decided({ body: '{"password":"sk_live_abcdefgh1234"}' }));
    expect(bodyOf(event)).toEqual({ password: '***', copy: '***' });
  });
});
