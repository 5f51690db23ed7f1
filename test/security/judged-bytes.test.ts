import { request as httpRequest, Agent } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';

// Policy tells the upstream what it saw, so that the upstream has both to compare.
const REGO = `package rules.payments

saw := json.marshal({
	"method": input.action.method,
	"path": input.action.path,
	"query": input.action.query,
	"size": input.action.body_bytes,
	"body": object.get(input.action, "body", "absent"),
})

allow contains {"rule": "all", "obligations": [{"type": "set-header", "name": "X-Saw", "value": base64.encode(saw)}]}
`;

type Saw = { method: string; path: string; query: Record<string, unknown>; size: number; body: unknown };

let upstream: Upstream;
let plane: DataPlane;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(async () => {
  upstream = await startUpstream();
  plane = await startDataPlane({ systems: { payments: { upstream: upstream.url } }, rego: { 'p.rego': REGO } });
});

afterAll(async () => {
  agent.destroy();
  await plane?.close();
  await upstream?.close();
});

type Sent = {
  readonly method: string;
  readonly target: string;
  readonly type?: string;
  readonly body?: Buffer;
  /** Where the body is cut into chunks; without it, the body is sent with its length. */
  readonly cuts?: readonly number[];
};

/** Sends a call as it is. Returns its status, and the request at the upstream, or null if none arrived. */
async function send({ method, target, type, body, cuts }: Sent): Promise<{ status: number; arrived: Arrived | null }> {
  const before = upstream.received.length;
  const status = await new Promise<number>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${TOKEN}`,
      ...(type !== undefined && { 'content-type': type }),
      ...(body && !cuts && { 'content-length': body.length }),
      ...(body && cuts && { 'transfer-encoding': 'chunked' }),
    };
    const outgoing = httpRequest(plane.url, { agent, method, path: `/payments${target}`, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!));
    });
    outgoing.on('error', reject);
    let from = 0;
    for (const cut of (cuts ?? []).toSorted((a, b) => a - b)) {
      outgoing.write(body!.subarray(from, (from = Math.min(cut, body!.length))));
    }
    outgoing.end(body?.subarray(from));
  });
  const arrived = upstream.received.slice(before);
  expect(arrived.length).toBe(status === 200 ? 1 : 0);
  return { status, arrived: arrived[0] ? { ...arrived[0], saw: sawOf(arrived[0]) } : null };
}

type Arrived = Received & { readonly saw: Saw };

function sawOf({ headers }: Received): Saw {
  return JSON.parse(Buffer.from(String(headers['x-saw']), 'base64').toString('utf8')) as Saw;
}

/** Fails when hardly any call was allowed, because then a property of allowed calls proves nothing. */
async function check(times: number, once: (one: fc.GeneratorValue) => Promise<boolean>, least = 0.5): Promise<void> {
  let allowed = 0;
  const property = fc.asyncProperty(fc.gen(), async (one) => {
    if (await once(one)) allowed += 1;
  });
  await fc.assert(property, { numRuns: times });
  expect(allowed).toBeGreaterThan(times * least);
}

/** A JSON value in one of its many spellings. */
function writeJson(value: unknown, pick: (below: number) => number): string {
  const space = () => [' ', '', '\n', '\t', '  \r\n', '', ''][pick(7)]!;
  const escaped = (unit: string) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${pick(2) ? hex : hex.toUpperCase()}`;
  };
  const string = (text: string) => {
    const chars = JSON.stringify(text)
      .slice(1, -1)
      .matchAll(/\\u[0-9a-f]{4}|\\.|[^\\]/gsu);
    return `"${Array.from(chars, ([char]) => (char.startsWith('\\') || pick(4) > 0 ? char : char.split('').map(escaped).join(''))).join('')}"`;
  };
  const list = (open: string, items: string[], close: string) =>
    open + space() + items.join(`${space()},${space()}`) + space() + close;
  if (Array.isArray(value)) {
    return list(
      '[',
      value.map((item) => writeJson(item, pick)),
      ']',
    );
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => `${string(name)}${space()}:${space()}${writeJson(member, pick)}`,
    );
    return list('{', members, '}');
  }
  if (typeof value === 'string') return string(value);
  return JSON.stringify(value);
}

const METHODS = ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'] as const;

test('policy sees what a JSON body says, and the body arrives as written', async () => {
  await check(
    150,
    async (one) => {
      const value: unknown = one(fc.jsonValue, { maxDepth: 4, stringUnit: 'binary' });
      const text = writeJson(value, (below) => one(fc.nat, below - 1));
      const body = Buffer.from(text);
      const cuts = one(fc.option, fc.array(fc.nat(body.length), { maxLength: 4 }), { nil: undefined });
      const method = one(fc.constantFrom, ...METHODS);
      const { status, arrived } = await send({
        method,
        target: '/pay',
        type: 'application/json',
        body,
        ...(cuts && { cuts }),
      });
      expect([200, 400]).toContain(status);
      if (!arrived) return false;
      expect(arrived.body.equals(body)).toBe(true);
      expect(arrived.headers['content-length']).toBe(String(body.length));
      expect(arrived.saw).toEqual({ method, path: '/pay', query: {}, size: body.length, body: JSON.parse(text) });
      return true;
    },
    0.9,
  );
});

test('a number of any size arrives digit for digit', async () => {
  await check(
    60,
    async (one) => {
      const digits = one(fc.stringMatching, /^-?[1-9][0-9]{0,40}(\.[0-9]{1,30})?$/);
      const body = Buffer.from(`{"amount":${digits}}`);
      const { arrived } = await send({ method: 'POST', target: '/pay', type: 'application/json', body });
      if (!arrived) return false;
      expect(arrived.body.equals(body)).toBe(true);
      expect(arrived.saw.size).toBe(body.length);
      return true;
    },
    0.9,
  );
});

test('a body announced as JSON never arrives if it is not JSON or is ambiguous', async () => {
  const pieces = [
    '{',
    '}',
    '[',
    ']',
    '"a"',
    '"\\u0061"',
    ':',
    ',',
    '1',
    '01',
    '1e999',
    'null',
    'NaN',
    '\ufeff',
    '\0',
    "'",
    ' ',
  ];
  await check(
    300,
    async (one) => {
      const text = one(fc.array, fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }).join('');
      const body = Buffer.from(text);
      const { arrived } = await send({ method: 'POST', target: '/pay', type: 'application/json', body });
      if (!arrived) return false;
      expect(arrived.body.equals(body)).toBe(true);
      // Policy sees the text after a byte order mark, which is no part of the JSON.
      expect(arrived.saw.body).toEqual(JSON.parse(text.replace(/^\ufeff/, '')));
      return true;
    },
    0,
  );
});

function dictionaryOf(name: fc.Arbitrary<string>, keys: { minKeys?: number; maxKeys: number }) {
  const pairs = fc.uniqueArray(fc.tuple(name, fc.string({ unit: 'binary', maxLength: 8 })), {
    selector: ([key]) => key,
    minLength: keys.minKeys ?? 0,
    maxLength: keys.maxKeys,
  });
  return pairs.map((all): Record<string, string> => Object.fromEntries(all));
}

test('policy sees a form field for field, and the form arrives as written', async () => {
  await check(
    100,
    async (one) => {
      const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,10}$/);
      const fields = one(dictionaryOf, name, { minKeys: 1, maxKeys: 8 });
      const body = Buffer.from(new URLSearchParams(fields).toString());
      const type = 'application/x-www-form-urlencoded';
      const { arrived } = await send({ method: 'POST', target: '/pay', type, body });
      if (!arrived) return false;
      expect(arrived.body.equals(body)).toBe(true);
      expect(arrived.saw.body).toEqual(fields);
      return true;
    },
    0.9,
  );
});

test('policy does not see raw bytes of another type, and they arrive unchanged', async () => {
  await check(
    100,
    async (one) => {
      const body = Buffer.from(one(fc.uint8Array, { minLength: 1, maxLength: 2000 }));
      const cuts = one(fc.option, fc.array(fc.nat(body.length), { maxLength: 4 }), { nil: undefined });
      const type = one(fc.constantFrom, 'application/octet-stream', 'text/plain', 'image/png');
      const { arrived } = await send({ method: 'PUT', target: '/file', type, body, ...(cuts && { cuts }) });
      if (!arrived) return false;
      expect(arrived.body.equals(body)).toBe(true);
      expect(arrived.saw).toMatchObject({ size: body.length, body: 'absent' });
      return true;
    },
    0.95,
  );
});

test('path and query arrive byte for byte, and policy saw the same', async () => {
  const plain = "abcXYZ019-._~!$&'()*+,=:@";
  await check(300, async (one) => {
    const segment = fc.oneof(
      fc.string({ unit: fc.constantFrom(...plain), minLength: 1, maxLength: 8 }),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }).map(encodeURIComponent),
    );
    const path = `/${one(fc.array, segment, { maxLength: 4 }).join('/')}`;
    const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.]{0,8}$/);
    const fields = one(dictionaryOf, name, { maxKeys: 4 });
    const query = Object.entries(fields)
      .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
      .join('&');
    const target = query === '' ? path : `${path}?${query}`;
    const { status, arrived } = await send({ method: 'GET', target });
    expect([200, 400]).toContain(status);
    if (!arrived) return false;
    expect(arrived.url).toBe(target);
    expect(arrived.saw).toMatchObject({ path, query: fields });
    return true;
  });
});

test('a target of any characters arrives byte for byte or not at all', async () => {
  const chars = Array.from({ length: 0x7f - 0x21 }, (_, i) => String.fromCharCode(0x21 + i));
  const tricks = ['%2e', '%2F', '%5c', '%00', '%25', '../', './', '//', '%', '%c0%ae', '%ef%bc%8f', ';', '?', '#'];
  await check(
    400,
    async (one) => {
      const unit = fc.constantFrom(...chars, ...tricks);
      const target = `/${one(fc.array, unit, { maxLength: 12 }).join('')}`;
      const { status, arrived } = await send({ method: 'GET', target });
      expect([200, 400]).toContain(status);
      if (!arrived) return false;
      expect(arrived.url).toBe(target);
      expect(arrived.saw.path).toBe(target.split('?', 1)[0]);
      // The path stays the same by the URL standard, so no reader can take it for another.
      expect(new URL(`http://a${arrived.saw.path}`).pathname.split('/').length).toBe(
        arrived.saw.path.split('/').length,
      );
      return true;
    },
    0.05,
  );
});
