import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HoldTerms } from '../../../gateway/domain/decision.ts';
import type { Grant, GrantTerms } from '../../../gateway/domain/grant.ts';
import type { HoldDraft } from '../../../gateway/domain/hold-store.ts';
import type { CallHold } from '../../../gateway/domain/hold.ts';
import { coveringOperations, covers, grantFrom } from '../../../gateway/holds/coverage.ts';
import { aHold, MINUTE, ONE_OF_FINANCE } from '../../helpers/hold.ts';

const NOW = 1_800_000_000_000;
const TERMS: GrantTerms = { uses: 2, until: NOW + 60 * MINUTE, open: [] };

/** A call with this body as policy sees it; a body of undefined is one that policy does not see. */
function call(body: string | undefined, bytes = body ?? '', type = 'application/json') {
  const seen = body === undefined ? '' : `,"body":${body}`;
  return {
    method: 'POST',
    target: '/v1/refunds',
    headers: ['Content-Type', type],
    body: Buffer.from(bytes),
    input: `{"principal":{"agent":"billing-bot"},"action":{"body_bytes":1${seen}},"context":{"claims":{}}}`,
  };
}

function draft(body: string | undefined, changes: Partial<HoldDraft> = {}, terms: Partial<HoldTerms> = {}): HoldDraft {
  const hold = aHold(NOW);
  return { ...hold, terms: { ...hold.terms, ...terms }, call: call(body), traceId: null, ...changes };
}

function grant(body: string | undefined, open: readonly string[] = [], changes: Partial<CallHold> = {}): Grant {
  const vote = {
    for: null,
    groups: ['finance'],
    channel: 'api',
    note: null,
    grant: null,
    seenAt: null,
    at: NOW,
  } as const;
  const votes = [{ ...vote, reviewer: 'ben@example.com', revision: 1 }];
  const terms = { ...ONE_OF_FINANCE, editable: open };
  return grantFrom(aHold(NOW, { terms, votes, ...changes }), call(body), { ...TERMS, open }, NOW);
}

/** Whether an approval of one body with these members open covers another. */
function reaches(approved: string | undefined, open: readonly string[], asked: string | undefined): boolean {
  return covers(grant(approved, open), draft(asked, {}, { editable: open }), NOW);
}

const BODY = '{"amount":500,"currency":"usd"}';

describe('a grant', () => {
  test('a grant tells who gave it, on what, for how long and for which rules', () => {
    expect(grant(BODY, ['/amount'])).toMatchObject({
      agent: 'billing-bot',
      system: 'payments',
      operation: 'POST /v1/refunds',
      open: ['/amount'],
      ceilings: { '/amount': '500' },
      rules: ['rules.payments/refund-over-limit'],
      requirements: ONE_OF_FINANCE.requirements,
      uses: 2,
      used: 0,
      until: TERMS.until,
      createdAt: NOW,
      by: ['ben@example.com'],
      revokedAt: null,
    });
  });

  test('a grant covers the same call, whatever the agent says about it and under whichever key', () => {
    const claims = { session: 's', task: 'T', confidence: 0.1, flags: ['x'], reversible: true };
    expect(covers(grant(BODY), draft(BODY), NOW)).toBe(true);
    expect(covers(grant(BODY), draft(BODY, { claims, idempotencyKey: 'k', handle: true }), NOW)).toBe(true);
    expect(covers(grant(BODY), draft(BODY, { policyRevision: 'p2', callId: 'call_2', decisionId: 'dec_2' }), NOW)).toBe(
      true,
    );
    expect(reaches(BODY, [], '{ "currency": "\\u0075sd", "amount": 500 }')).toBe(true);
  });

  test('a grant ends with its time, its uses or its revocation', () => {
    const given = grant(BODY);
    expect(covers(given, draft(BODY), given.until - 1)).toBe(true);
    expect(covers(given, draft(BODY), given.until)).toBe(false);
    expect(covers({ ...given, used: 1 }, draft(BODY), NOW)).toBe(true);
    expect(covers({ ...given, used: 2 }, draft(BODY), NOW)).toBe(false);
    expect(covers({ ...given, revokedAt: NOW }, draft(BODY), NOW)).toBe(false);
  });

  test('a grant covers a call whose path systems read in several ways, but no body', () => {
    const inPath = {
      ...call(BODY),
      otherReadings: [call(BODY).input.replace('"body_bytes"', '"segments":["a"],"body_bytes"')],
    };
    const inBody = { ...call(BODY), otherReadings: [call('{"amount":9}').input] };
    expect(covers(grant(BODY), draft(BODY, { call: inPath }), NOW)).toBe(true);
    expect(covers(grant(BODY), draft(BODY, { call: inBody }), NOW)).toBe(false);
  });

  const { principal } = aHold(NOW);
  const others: readonly [what: string, changes: Partial<HoldDraft>][] = [
    ['another agent', { principal: { ...principal, agent: 'other-bot' } }],
    ['an agent that has passed to another owner', { principal: { ...principal, owner: 'ben@example.com' } }],
    ['a call on behalf of somebody', { principal: { ...principal, onBehalfOf: ['cleo@example.com'] } }],
    ['another system', { system: 'crm' }],
    ['another operation', { operation: 'POST /v1/payouts' }],
    ['another method or header', { envelope: 'f'.repeat(64) }],
    ['another target', { call: { ...call(BODY), target: '/v1/refunds?a=2' } }],
    ['another upstream', { upstream: 'https://elsewhere.example.com' }],
  ];
  test.each(others)('a grant does not cover %s', (_what, changes) => {
    expect(covers(grant(BODY), draft(BODY, changes), NOW)).toBe(false);
  });

  test('a grant does not cover a call that another rule holds too, or that none names', () => {
    const [rule] = draft(BODY).rules;
    const other = { ...rule!, id: 'rules.payments/new-customer' };
    expect(covers(grant(BODY), draft(BODY, { rules: [rule!, other] }), NOW)).toBe(false);
    expect(covers(grant(BODY), draft(BODY, { rules: [other] }), NOW)).toBe(false);
    expect(covers(grant(BODY), draft(BODY, { rules: [] }), NOW)).toBe(false);
    expect(covers(grant(BODY), draft(BODY, { rules: [rule!, { ...other, verdict: 'allow' }] }), NOW)).toBe(true);
    expect(covers(grant(BODY, [], { rules: [rule!, other] }), draft(BODY), NOW)).toBe(true);
    expect(covers(grant(BODY, [], { rules: [{ ...rule!, verdict: 'allow' }] }), draft(BODY), NOW)).toBe(false);
  });

  const finance = ONE_OF_FINANCE.requirements[0]!;
  const legal = { groups: ['legal'], quorum: 1, escalate: [] };
  const stricter: readonly [what: string, terms: Partial<HoldTerms>][] = [
    ['a person to do it instead', { level: 3 }],
    ['one more approval', { requirements: [{ ...finance, quorum: 2 }] }],
    ['another group', { requirements: [legal] }],
    ['a further group', { requirements: [finance, legal] }],
    ['others to join later', { requirements: [{ ...finance, escalate: [{ after: MINUTE, to: ['leads'] }] }] }],
    ['that it can be undone, which nobody says', { reversible: null }],
    ['that it can be undone, which it cannot', { reversible: false }],
    ['that owners may approve', { ownerMayApprove: true }],
  ];
  test.each(stricter)('a grant does not cover a call for which policy now asks %s', (_what, terms) => {
    expect(covers(grant(BODY), draft(BODY, {}, terms), NOW)).toBe(false);
  });

  test('a grant covers a call for which policy asks less than the approval met', () => {
    const given = grant(BODY, [], { terms: { ...ONE_OF_FINANCE, requirements: [finance, legal] } });
    expect(covers(given, draft(BODY), NOW)).toBe(true);
    expect(covers(given, draft(BODY, {}, { requirements: [{ ...legal }, { ...finance }] }), NOW)).toBe(true);
  });

  test('a grant does not cover what its agent calls irreversible', () => {
    const claims = { ...aHold(NOW).claims, reversible: false };
    expect(covers(grant(BODY), draft(BODY, { claims }), NOW)).toBe(false);
  });

  test('a grant leaves open only what policy still lets people change', () => {
    expect(covers(grant(BODY, ['/amount']), draft(BODY, {}, { editable: ['/amount', '/note'] }), NOW)).toBe(true);
    expect(covers(grant(BODY, ['/amount']), draft(BODY, {}, { editable: ['/note'] }), NOW)).toBe(false);
  });
});

describe('a path that a grant leaves open', () => {
  const open = ['path:/v1/contacts/{id}'];
  const at = (id: string, operation = `POST /v1/contacts/${id}`) => ({
    operation,
    call: { ...call(BODY), target: `/v1/contacts/${id}` },
  });
  const given = (id: string, operation?: string) =>
    grantFrom(
      aHold(NOW, { terms: { ...ONE_OF_FINANCE, open }, ...at(id, operation) }),
      at(id).call,
      { ...TERMS, open },
      NOW,
    );
  const reaches = (approved: Grant, id: string, operation?: string, terms: Partial<HoldTerms> = { open }) => {
    const asked = draft(BODY, at(id, operation), terms);
    return coveringOperations(asked).includes(approved.operation) && covers(approved, asked, NOW);
  };

  test('an open segment with a digit is an identifier, also where the operation is named after it', () => {
    expect(given('c1')).toMatchObject({ operation: 'POST /v1/contacts/{id}', open });
    expect(reaches(given('c1'), 'c2')).toBe(true);
    expect(reaches(given('c1'), '7', 'POST /v1/contacts/{id}')).toBe(true);
    expect(reaches(given('7', 'POST /v1/contacts/{id}'), 'c2')).toBe(true);
  });

  test('an open segment that is a word may name another operation, and is pinned unless a document names the operation', () => {
    expect(reaches(given('c1'), 'export')).toBe(false);
    expect(reaches(given('export'), 'purge')).toBe(false);
    expect(reaches(given('export'), 'c1')).toBe(false);
    expect(reaches(given('ana', 'updateContact'), 'ben', 'updateContact')).toBe(true);
    expect(reaches(given('ana', 'updateContact'), 'export', 'exportContacts')).toBe(false);
  });

  test('a grant with an open path ends where policy no longer leaves it open', () => {
    expect(reaches(given('c1'), 'c2', undefined, {})).toBe(false);
    expect(reaches(given('c1'), 'c2', undefined, { open: ['path:/v1/{kind}/{id}'] })).toBe(false);
  });
});

describe('a body that policy does not see', () => {
  const opaque = (bytes: string) => draft(undefined, { call: call(undefined, bytes) });
  const given = grantFrom(aHold(NOW), call(undefined, 'a,b'), TERMS, NOW);

  test('a body that policy does not see is pinned to the byte', () => {
    expect(covers(given, opaque('a,b'), NOW)).toBe(true);
    expect(covers(given, opaque('a, b'), NOW)).toBe(false);
    expect(covers(given, opaque(''), NOW)).toBe(false);
  });

  test('a body that policy does not see is never taken for one that it sees', () => {
    expect(reaches('null', [], undefined)).toBe(false);
    expect(reaches(undefined, [], 'null')).toBe(false);
    const lookalike = JSON.stringify({ bytes: createHash('sha256').update('a,b').digest('hex') });
    expect(covers(given, draft(lookalike, { call: call(lookalike, 'a,b') }), NOW)).toBe(false);
  });

  test('a body of which policy sees a part, as of XML, is pinned to the byte', () => {
    const xml = (bytes: string) => call('{"root":"pay","amount":"5"}', bytes, 'text/xml');
    const approved = grantFrom(aHold(NOW), xml('<pay>5</pay>'), { ...TERMS, open: ['/amount'] }, NOW);
    expect(approved.open).toEqual([]);
    expect(covers(approved, draft(undefined, { call: xml('<pay>5</pay>') }), NOW)).toBe(true);
    expect(covers(approved, draft(undefined, { call: xml('<pay>6</pay>') }), NOW)).toBe(false);
  });

  test('a body that policy does not see has nothing to leave open', () => {
    expect(grantFrom(aHold(NOW), call(undefined, 'a,b'), { ...TERMS, open: ['/amount'] }, NOW)).toMatchObject({
      open: [],
      ceilings: {},
      shape: given.shape,
    });
  });
});

describe('an open member', () => {
  const amount = (text: string) => `{"amount":${text},"currency":"usd"}`;
  const open = (approved: string, asked: string) => reaches(amount(approved), ['/amount'], amount(asked));

  test('an open member that is a number may be lower and never higher, digit by digit', () => {
    for (const lower of ['500', '499.99', '0', '0.01', '500.000'])
      expect([lower, open('500', lower)]).toEqual([lower, true]);
    for (const higher of ['500.01', '501', '5000', '1000', '500.0000000000000000000000000001']) {
      expect([higher, open('500', higher)]).toEqual([higher, false]);
    }
    expect(open('9007199254740993', '9007199254740992')).toBe(true);
    expect(open('9007199254740993', '9007199254740994')).toBe(false);
    expect(open('0.5', '0.49')).toBe(true);
    expect(open('0.5', '0.51')).toBe(false);
    expect(open('10.5', '9')).toBe(true);
  });

  test('an open member that is digits in a string, as forms carry numbers, is a number', () => {
    expect(open('"500"', '"499"')).toBe(true);
    expect(open('"500"', '"501"')).toBe(false);
    expect(open('"500"', '499')).toBe(false);
    expect(open('500', '"499"')).toBe(false);
  });

  const unclear = [
    '-1',
    '-0',
    '1e2',
    '1E+0',
    '"-1"',
    '"+1"',
    '"1e2"',
    '"0x1"',
    '" 1"',
    '"01"',
    '"1,5"',
    '"$1"',
    '"1 "',
    '"१"',
    '""',
  ];
  test.each(unclear)('an open member that was a number is not covered as %s', (text) => {
    expect(open('500', text)).toBe(false);
    expect(open('"500"', text)).toBe(false);
  });

  test.each(unclear.filter((text) => text !== '""'))('stays pinned when it was %s', (text) => {
    expect(grant(amount(text), ['/amount'])).toMatchObject({ open: [], ceilings: {} });
    expect(open(text, text)).toBe(true);
    const others = ['0', '1', '"1"', '"2"', '"x"', '-2', '"-2"'].filter((other) => other !== text);
    expect(others.filter((other) => open(text, other))).toEqual([]);
  });

  test('an open member that is text may be any text that no system reads as a number', () => {
    for (const text of ['""', '"none"', '"see order 6735"', '"été"'])
      expect([text, open('"all"', text)]).toEqual([text, true]);
    for (const text of ['"500"', '"5e2"', '"€5"', '"-5"', '" 5"', '5', 'true', 'null', '{}', '[]']) {
      expect([text, open('"all"', text)]).toEqual([text, false]);
    }
  });

  test('an open member keeps its type, and is there when it was and absent when it was not', () => {
    expect(open('true', 'false')).toBe(true);
    expect(open('true', '1')).toBe(false);
    expect(open('null', '1')).toBe(false);
    expect(open('1', 'null')).toBe(false);
    expect(reaches(amount('1'), ['/amount'], '{"currency":"usd"}')).toBe(false);
    expect(reaches('{"currency":"usd"}', ['/amount'], amount('1'))).toBe(false);
    expect(grant('{"currency":"usd"}', ['/amount'])).toMatchObject({ open: [], ceilings: {} });
  });

  test('an open member that is an object or a list stays pinned, while what is in it can be opened by itself', () => {
    const metadata = (order: string) => `{"metadata":{"order":${order}},"items":[{"price":1},{"price":2}]}`;
    expect(reaches(metadata('1'), ['/metadata'], metadata('0'))).toBe(false);
    expect(reaches(metadata('1'), ['/metadata'], metadata('1'))).toBe(true);
    expect(reaches(metadata('1'), ['/metadata', '/metadata/order'], metadata('0'))).toBe(true);
    expect(reaches('[{"price":1},{"price":2}]', ['/1/price'], '[{"price":1},{"price":1}]')).toBe(true);
    expect(reaches('[{"price":1},{"price":2}]', ['/1/price'], '[{"price":0},{"price":2}]')).toBe(false);
  });

  test('an open member has the name that the pointer escapes, and no other', () => {
    expect(reaches('{"a/b":2,"a":{"b":2}}', ['/a~1b'], '{"a/b":1,"a":{"b":2}}')).toBe(true);
    expect(reaches('{"a/b":2,"a":{"b":2}}', ['/a~1b'], '{"a/b":2,"a":{"b":1}}')).toBe(false);
    expect(reaches('{"~1":2}', ['/~01'], '{"~1":1}')).toBe(true);
  });
});

/** A body as a tree, with leaves that are JSON texts, so that the expectation knows nothing of how bodies are read. */
type Tree =
  | { readonly leaf: string }
  | { readonly list: readonly Tree[] }
  | { readonly object: readonly (readonly [string, Tree])[] };

/** What each leaf counts as when it is open: its type and its amount; null when it cannot be left open. */
const LEAVES: Readonly<Record<string, readonly [kind: string, amount: number] | null>> = {
  '0': ['number', 0],
  '1': ['number', 1],
  '1.0': ['number', 1],
  '1.5': ['number', 1.5],
  '10': ['number', 10],
  '1e1': null,
  '-1': null,
  '"1"': ['digits', 1],
  '"10"': ['digits', 10],
  '"9.5"': ['digits', 9.5],
  '"-1"': null,
  '"01"': null,
  '"$1"': null,
  '""': ['text', 0],
  '"a"': ['text', 0],
  '"b2"': ['text', 0],
  true: ['boolean', 0],
  false: ['boolean', 0],
  null: ['null', 0],
};

const leaf = fc.constantFrom(...Object.keys(LEAVES)).map((text) => ({ leaf: text }));
const name = fc.constantFrom('a', 'b', '0', 'a/b', '~1', '__proto__', '');
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'medium' },
    leaf,
    fc.array(tie('tree'), { maxLength: 3 }).map((list) => ({ list })),
    fc
      .uniqueArray(fc.tuple(name, tie('tree')), { maxLength: 4, selector: ([member]) => member })
      .map((object) => ({ object })),
  ),
}));

function write(tree: Tree): string {
  if ('leaf' in tree) return tree.leaf;
  if ('list' in tree) return `[${tree.list.map(write).join(',')}]`;
  return `{${tree.object.map(([member, value]) => `${JSON.stringify(member)}:${write(value)}`).join(',')}}`;
}

/** Every place in a body and what is there: a leaf's text, or `[` or `{` for what encloses others. */
function places(tree: Tree, at = ''): [pointer: string, what: string][] {
  if ('leaf' in tree) return [[at, tree.leaf]];
  if ('list' in tree) return [[at, '['], ...tree.list.flatMap((each, index) => places(each, `${at}/${index}`))];
  const members = tree.object.flatMap(([member, value]) =>
    places(value, `${at}/${member.replaceAll('~', '~0').replaceAll('/', '~1')}`),
  );
  return [[at, '{'], ...members];
}

/** The same tree with other leaves where `other` has one for the how-manieth. */
function vary(tree: Tree, other: (index: number) => string | undefined, count = { leaves: 0 }): Tree {
  if ('leaf' in tree) return { leaf: other(count.leaves++) ?? tree.leaf };
  if ('list' in tree) return { list: tree.list.map((each) => vary(each, other, count)) };
  return { object: tree.object.map(([member, value]) => [member, vary(value, other, count)]) };
}

function shuffled(tree: Tree): Tree {
  if ('leaf' in tree) return tree;
  if ('list' in tree) return { list: tree.list.map(shuffled) };
  return { object: tree.object.map(([member, value]) => [member, shuffled(value)] as const).toReversed() };
}

/** What a grant may reach, said of places instead of shapes. */
function mayReach(approved: Tree, open: readonly string[], asked: Tree): boolean {
  const [before, after] = [new Map(places(approved)), new Map(places(asked))];
  return (
    before.size === after.size &&
    [...before].every(([pointer, was]) => {
      const is = after.get(pointer);
      if (is === was) return true;
      const [from, to] = [LEAVES[was], LEAVES[is ?? '']];
      return open.includes(pointer) && !!from && !!to && from[0] === to[0] && to[1] <= from[1];
    })
  );
}

describe('whatever the body', () => {
  const leaves = fc.array(fc.option(fc.constantFrom(...Object.keys(LEAVES)), { freq: 3, nil: undefined }));
  const pointers = (tree: Tree, chosen: readonly boolean[]) =>
    places(tree).flatMap(([pointer], index) => (chosen[index] ? [pointer] : []));

  test('a grant covers the same body, its members in any order', () => {
    fc.assert(
      fc.property(tree, fc.array(fc.boolean()), (body, chosen) => {
        expect(reaches(write(body), pointers(body, chosen), write(shuffled(body)))).toBe(true);
      }),
    );
  });

  test('a grant covers another body exactly when nothing but open members differs, and none is higher or of another type', () => {
    fc.assert(
      fc.property(tree, fc.array(fc.boolean()), leaves, (body, chosen, changes) => {
        const asked = vary(body, (index) => changes[index]);
        const open = pointers(body, chosen);
        expect(reaches(write(body), open, write(asked))).toBe(mayReach(body, open, asked));
      }),
      { numRuns: 2_000 },
    );
  });

  test('a grant covers no body of another structure', () => {
    fc.assert(
      fc.property(tree, tree, fc.array(fc.boolean()), (body, asked, chosen) => {
        const open = [...pointers(body, chosen), ...pointers(asked, chosen)];
        expect(reaches(write(body), open, write(asked))).toBe(mayReach(body, open, asked));
      }),
      { numRuns: 2_000 },
    );
  });

  test('no open amount is ever above the approved one', () => {
    const decimal = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.nat({ max: 30 }));
    const written = ([digits, places]: readonly [bigint, number]) => {
      const text = String(digits).padStart(places + 1, '0');
      return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`;
    };
    fc.assert(
      fc.property(decimal, decimal, (approved, asked) => {
        const within = asked[0] * 10n ** BigInt(approved[1]) <= approved[0] * 10n ** BigInt(asked[1]);
        expect(reaches(`{"a":${written(approved)}}`, ['/a'], `{"a":${written(asked)}}`)).toBe(within);
      }),
      { numRuns: 1_000 },
    );
  });
});
