import fc from 'fast-check';
import { Agent, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDataPlane, TOKEN, type DataPlane } from '../helpers/data-plane.ts';
import { path, sent, TOO_MUCH, type Sent } from './bodies.ts';
import { isInstalled, READERS, startReader, type Reader, type Reads } from './readers.ts';

/** Calls of each kind to each reader. The usual ones are the same in each run; more are new each time. */
const MORE = process.env['DIFFERENTIAL_CALLS'];
const CALLS = Number(MORE ?? 300);
const RUNS = { numRuns: CALLS, ...(MORE === undefined && { seed: 1 }) };

/** No amount over 100 in body or query, whatever its shape, no path below /admin, and no body that policy cannot see. */
const REGO = `package rules.reader

# Go reads a name in any case.
amounts contains amount if {
	some name, amount in input.action.body
	lower(name) == "amount"
}

amounts contains input.action.query.amount

block contains {"rule": "admin", "reason": "admin"} if input.action.segments[0] == "admin"

block contains {"rule": "amount", "reason": "amount"} if {
	some amount in amounts
	walk(amount, [_, leaf])
	not fine(leaf)
}

block contains {"rule": "unseen", "reason": "unseen"} if {
	input.action.body_bytes > 0
	not input.action.body
}

fine(leaf) if is_object(leaf)
fine(leaf) if is_array(leaf)
fine(leaf) if is_null(leaf)
fine(leaf) if leaf in {1, "1", "", "[p]", true, false}

allow contains {"rule": "rest"}
`;

const installed = await Promise.all(READERS.map(async (kind) => ({ kind, is: await isInstalled(kind) })));
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

for (const { kind, is } of installed) {
  // Where it is skipped, the name says what to install.
  describe.skipIf(!is)(`${kind.name}${is ? '' : ` (not installed; ${kind.needs?.install})`}`, () => {
    let reader: Reader;
    let plane: DataPlane;

    beforeAll(async () => {
      reader = await startReader(kind);
      plane = await startDataPlane({
        systems: { reader: { upstream: reader.url, ...(kind.path && { path: kind.path }) } },
        rego: { 'reader.rego': REGO },
      });
    });
    afterAll(async () => {
      await plane?.close();
      reader?.close();
    });

    async function send({ target, type, body }: Sent): Promise<Reads | null> {
      const headers = { authorization: `Bearer ${TOKEN}`, ...(type && { 'content-type': type }) };
      const method = body === '' ? 'GET' : 'POST';
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const { hostname, port } = new URL(plane.url);
        request({ hostname, port, path: `/reader${target}`, method, headers, agent }, resolve)
          .once('error', reject)
          .end(body);
      });
      const answer = await text(response);
      return response.headers['holdpoint-verdict'] === 'allow' && response.statusCode === 200
        ? (JSON.parse(answer) as Reads)
        : null;
    }

    test.each([
      [
        'reads no amount in an allowed call that policy would have blocked',
        sent,
        ({ amounts }: Reads) =>
          Object.entries(amounts).filter(([, value]) => JSON.stringify(value ?? null).includes(TOO_MUCH)),
      ],
      [
        'routes no allowed call to where policy would have blocked it',
        path,
        ({ paths }: Reads) =>
          Object.entries(paths).filter(([, segments]) => segments.find((part) => part !== '') === 'admin'),
      ],
    ] as const)('a server %s', async (_, calls, unseenIn) => {
      let allowed = 0;
      await fc.assert(
        fc.asyncProperty(calls, async (call) => {
          const reads = await send(call);
          if (!reads) return;
          allowed += 1;
          expect({ call, unseen: unseenIn(reads) }).toEqual({ call, unseen: [] });
        }),
        RUNS,
      );
      expect(allowed).toBeGreaterThan(CALLS / 50);
    });
  });
}
