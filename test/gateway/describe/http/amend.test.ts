import { describe, expect, it } from 'vitest';
import { amendCall, MOST_AMENDED } from '../../../../gateway/describe/http/amend.ts';
import { amended, FORM_TYPE, heldCall, JSON_TYPE, notAmended } from './held.ts';

const json = (body: string) => heldCall(JSON_TYPE, body);
const form = (body: string) => heldCall(FORM_TYPE, body);

describe('edited JSON bodies', () => {
  it.each([
    ['one member', '{"charge":"ch_1","amount":20000}', { amount: 3000 }, '{"charge":"ch_1","amount":3000}'],
    ['a nested member', '{"a":{"b":1,"c":2}}', { a: { b: 5 } }, '{"a":{"b":5,"c":2}}'],
    ['a deleted member', '{"a":1,"b":2,"c":3}', { b: null }, '{"a":1,"c":3}'],
    ['an added member', '{"a":1}', { b: { c: [1] } }, '{"a":1,"b":{"c":[1]}}'],
    ['an element', '{"a":[1,2,3]}', { a: [1, 5, 3] }, '{"a":[1,5,3]}'],
    ['elements more', '{"a":[1]}', { a: [1, 2, 3] }, '{"a":[1,2,3]}'],
    ['elements less', '{"a":[1,2,3]}', { a: [1] }, '{"a":[1]}'],
    ['a member of an element', '{"a":[{"x":1,"y":2}]}', { a: [{ x: 1, y: 3 }] }, '{"a":[{"x":1,"y":3}]}'],
    ['everything', '{"a":1}', [1], '[1]'],
    ['everything for nothing', '{"a":1}', null, 'null'],
    ['a list', '[1,2]', [1], '[1]'],
    ['a scalar', '"a"', 'b', '"b"'],
    ['another type', '{"a":{"b":1}}', { a: 'x' }, '{"a":"x"}'],
    ['what is no ASCII', '{"a":"x"}', { a: 'é😀"\u2028' }, '{"a":"é😀\\"\u2028"}'],
  ])('an edit of a JSON body can change this: %s', (_, body, edit, expected) => {
    expect(amended(json(body), edit, ['']).body.toString()).toBe(expected);
  });

  it('an edited JSON body keeps every byte that was not edited: digits, escapes, order', () => {
    const rest =
      '"id":9007199254740993,"rate":10.50,"10":1e2,"2":-0,"text":"\\u0061\\/\\ud83d\\ude00","deep":{ "b" : [ 1.0 ] }';
    expect(amended(json(`{${rest},"amount":20000}`), { amount: 1 }, ['/amount']).body.toString()).toBe(
      `{${rest},"amount":1}`,
    );
  });

  it('an edited JSON body may have numbers with more digits than JavaScript has', () => {
    const edit = { amount: JSON.rawJSON('9007199254740993.10') };
    expect(amended(json('{"amount":1}'), edit, ['/amount']).body.toString()).toBe('{"amount":9007199254740993.10}');
  });

  it('an edited JSON body may have members with the names of prototypes', () => {
    const edit: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":null,"toString":1}');
    const { body } = amended(json('{"constructor":1,"a":2}'), edit, ['']);
    expect(body.toString()).toBe('{"a":2,"__proto__":{"admin":true},"toString":1}');
    expect('admin' in {}).toBe(false);
    expect(notAmended(json('{"a":2}'), edit, ['/a']).pointer).toBe('/__proto__');
  });
});

describe('edited forms', () => {
  it.each([
    ['one value', 'charge=ch_1&amount=20000', { amount: '3000' }, 'charge=ch_1&amount=3000'],
    ['a value that is a number', 'amount=20000', { amount: 3000 }, 'amount=3000'],
    ['a value that is a boolean', 'all=true', { all: false }, 'all=false'],
    ['a field less', 'a=1&b=2&c=3', { b: null }, 'a=1&c=3'],
    ['a field more', 'a=1', { note: 'x y+&=é' }, 'a=1&note=x%20y%2B%26%3D%C3%A9'],
    ['a nested value', 'm[order]=1&m[of]=2', { m: { of: '3' } }, 'm[order]=1&m[of]=3'],
    ['a nested field less, and with it the last', 'a=1&m[of]=2', { m: { of: null } }, 'a=1'],
    ['a nested field more', 'm[order]=1', { m: { 'of ': '3' } }, 'm[order]=1&m[of%20]=3'],
    ['a nested field more, brackets encoded', 'm%5border%5d=1', { m: { of: '3' } }, 'm%5border%5d=1&m%5Bof%5D=3'],
    ['an element', 'a[]=1&b=2&a[]=3', { a: ['1', '4'] }, 'a[]=1&b=2&a[]=4'],
    ['an element more', 'a[]=1&b=2', { a: ['1', '4'] }, 'a[]=1&b=2&a[]=4'],
    ['an element less', 'a[]=1&a[]=2&a[]=3', { a: ['1', '3'] }, 'a[]=1&a[]=3'],
    ['a numbered element more', 'a[1]=x&a[0]=y', { a: ['y', 'x', 'z'] }, 'a[1]=x&a[0]=y&a[2]=z'],
    ['a list more, as other lists are', 'a[0]=x', { b: ['y'] }, 'a[0]=x&b[0]=y'],
    ['a list more', 'a=x', { b: ['y', 'z'] }, 'a=x&b[]=y&b[]=z'],
    ['a member of a numbered element', 'i[0][p]=x&i[0][q]=2', { i: [{ p: 'x', q: '1' }] }, 'i[0][p]=x&i[0][q]=1'],
    ['a numbered object more', 'i[0][p]=x', { i: [{ p: 'x' }, { p: 'y' }] }, 'i[0][p]=x&i[1][p]=y'],
    ['a value in place of members', 'a[b]=1', { a: '2' }, 'a=2'],
    [
      'a member named as a prototype',
      '__proto__[a]=1&b=2',
      JSON.parse('{"__proto__":{"a":"3"}}'),
      '__proto__[a]=3&b=2',
    ],
  ])('an edit of a form can change this: %s', (_, body, edit, expected) => {
    expect(amended(form(body), edit, ['']).body.toString()).toBe(expected);
  });

  it('an edited form keeps every byte of the fields that were not edited', () => {
    const rest = 'a=%7e+x&&b&c%5Bd%5d=%41%c3%a9&e=f=g&';
    expect(amended(form(`${rest}amount=%31`), { amount: '2' }, ['/amount']).body.toString()).toBe(`${rest}amount=2`);
  });

  it.each([
    ['an empty list', 'a=1&b=2', { a: [] }, '/a'],
    ['an empty object', 'a=1&b=2', { a: {} }, '/a'],
    ['nothing in a list', 'a[]=1', { a: ['1', null] }, '/a/1'],
    ['a list of lists of one kind only', 'a[]=1', { a: ['1', { b: '1' }] }, null],
    ['brackets in a name', 'a=1', { 'b[c]': '2' }, '/b[c]'],
    ['a name without text', 'a=1', { '': '2' }, null],
    ['members that would be elements', 'm[1]=a&m[2]=b', { m: { 0: 'c' } }, '/m'],
    ['a method override', 'a=1', { _method: 'DELETE' }, null],
    ['something else than fields', 'a=1', 'text', null],
  ])('an edit that a form cannot express is refused: %s', (_, body, edit, pointer) => {
    expect(notAmended(form(body), edit, [''])).toMatchObject({ pointer });
  });

  it('an edit that would leave no field is refused', () => {
    expect(notAmended(form('a=1'), { a: null }, ['']).detail).toMatch(/no body/);
  });
});

describe('editable places', () => {
  it.each([
    [['/a'], { a: { b: 2 } }],
    [['/a'], { a: null }],
    [['/a/b'], { a: { b: null } }],
    [['/a/new'], { a: { new: 1 } }],
    [['/list/1'], { list: [1, 5, 3] }],
    [['/list/2'], { list: [1, 2] }],
    [['/list'], { list: [3] }],
    [['/x~1y', '/~0z'], { 'x/y': 2, '~z': 2 }],
    [[''], { a: 1, list: null, new: 2 }],
    [['/amount'], { amount: 2, list: [1, 2, 3], a: { b: 1.0 } }],
  ] as const)('an edit at or below the editable places %j is accepted', (editable, edit) => {
    const call = json('{"a":{"b":1},"list":[1,2,3],"x/y":1,"~z":1,"amount":1}');
    expect(amendCall(call, edit, editable)).toHaveProperty('body');
  });

  it.each([
    [[], { amount: 2 }, '/amount'],
    [['/amount'], { a: { b: 2 } }, '/a/b'],
    [['/amount'], { amount: 2, new: 1 }, '/new'],
    [['/amount'], { amount: 2, a: null }, '/a'],
    [['/a/b'], { a: null }, '/a'],
    [['/a/b'], { a: 'text' }, '/a'],
    [['/a'], { amounts: 1 }, '/amounts'],
    [['/am'], { amount: 2 }, '/amount'],
    [['/list/1'], { list: [1, 5] }, '/list/2'],
    [['/list/1'], { list: [5, 2, 3] }, '/list/0'],
    [['/list/1'], { list: { 1: 5 } }, '/list'],
    [['/amount'], [2], ''],
    [['/x/y'], { 'x/y': 2 }, '/x~1y'],
    [['/new/b'], { new: { b: 1 } }, '/new'],
  ] as const)('an edit outside the editable places %j is refused', (editable, edit, pointer) => {
    const call = json('{"a":{"b":1},"list":[1,2,3],"x/y":1,"amount":1}');
    const refusal = notAmended(call, edit, editable);
    expect(refusal).toMatchObject({ pointer, detail: expect.stringContaining('may not be changed') });
  });

  it('an edit that changes nothing is refused', () => {
    for (const edit of [{}, { amount: 10.5 }, { none: null }, { amount: 10.5, a: { b: [1] } }])
      expect(notAmended(json('{"amount":10.50,"a":{"b":[1]}}'), edit, ['']).detail).toMatch(/changes nothing/);
    expect(notAmended(form('amount=5'), { amount: 5 }, ['']).detail).toMatch(/changes nothing/);
  });

  it('an edit of a body that policy cannot read is refused', () => {
    for (const call of [heldCall('text/plain', 'amount=1'), heldCall('application/octet-stream', 'x'), json('')])
      expect(notAmended(call, { amount: 1 }, ['']).detail).toMatch(/cannot see into the body/);
  });

  it('an edit of a call whose path systems read in several ways changes the body in each', () => {
    const call = json('{"amount":20000}');
    const inPath = { ...call, otherReadings: [call.input.replace('"segments":["v1","refunds"]', '"segments":["v1"]')] };
    const { input, otherReadings } = amended(inPath, { amount: 5 }, ['/amount']);
    expect(JSON.parse(input).action).toMatchObject({
      segments: ['v1', 'refunds'],
      body: { amount: 5 },
      body_bytes: 12,
    });
    expect(otherReadings!.map((each) => JSON.parse(each).action)).toMatchObject([
      { segments: ['v1'], body: { amount: 5 }, body_bytes: 12 },
    ]);
  });

  it('an edit of a body that systems read in several ways is refused', () => {
    const call = { ...json('{"amount":1}'), otherReadings: [json('{"amount":2}').input] };
    expect(notAmended(call, { amount: 3 }, ['']).detail).toMatch(/read the body of this call in several ways/);
  });

  it('an edit of a body with a digest from the agent is refused', () => {
    for (const name of ['Content-Digest', 'Repr-Digest', 'Digest', 'content-md5']) {
      const call = heldCall(JSON_TYPE, '{"amount":1}', { [name]: 'sha-256=:AAAA:' });
      expect(notAmended(call, { amount: 2 }, ['']).detail).toContain(name.toLowerCase());
    }
  });

  it('an edit that is not JSON is refused', () => {
    const round: Record<string, unknown> = {};
    round['amount'] = round;
    const deep: unknown = JSON.parse('['.repeat(129) + ']'.repeat(129));
    for (const edit of [
      undefined,
      { amount: Number.NaN },
      { amount: 1n },
      { amount: '\ud800' },
      new Date(0),
      round,
      deep,
    ])
      expect(notAmended(json('{"amount":1}'), edit, ['']).detail).toMatch(/not JSON/);
  });

  it.each([
    ['has a number beyond double precision', { amount: JSON.rawJSON('1e999') }, /double precision/],
    ['overrides the method', { _method: 'DELETE' }, /overrides the method/],
  ])('an edit is refused if the gateway would refuse the same body from an agent: it %s', (_, edit, detail) => {
    expect(notAmended(json('{"amount":1}'), edit, ['']).detail).toMatch(detail);
  });

  it('an edit that makes the body larger than a mebibyte is refused', () => {
    const text = 'x'.repeat(MOST_AMENDED - 20);
    expect(amended(json('{"note":1}'), { note: text }, ['']).body.length).toBe(MOST_AMENDED - 9);
    expect(notAmended(json('{"note":1}'), { note: `${text}${'y'.repeat(10)}` }, ['']).detail).toMatch(/larger/);
  });
});

describe('amended calls', () => {
  it('an amended call is what the gateway would have described', () => {
    const call = heldCall(JSON_TYPE, ' {"amount": 1}\n', { 'Idempotency-Key': 'k' });
    const result = amended(call, { amount: 25 }, ['/amount']);
    expect(result).toEqual(heldCall(JSON_TYPE, ' {"amount":25}\n', { 'Idempotency-Key': 'k' }));
    expect(call).toEqual(heldCall(JSON_TYPE, ' {"amount": 1}\n', { 'Idempotency-Key': 'k' }));
  });

  it('a call is not amended if its input has another body', () => {
    const call = { ...json('{"amount":1}'), input: json('{"amount":2}').input };
    expect(notAmended(call, { amount: 3 }, ['']).detail).toMatch(/another way/);
  });

  it('an amended call can be amended again', () => {
    const once = amended(form('amount=5&note=a'), { amount: 4 }, ['/amount']);
    expect(amended(once, { note: null }, ['/note'])).toEqual(form('amount=4'));
  });
});
