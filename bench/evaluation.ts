import { readdirSync, readFileSync } from 'node:fs';
import { createEvaluator } from '../gateway/decide/evaluator.ts';
import { decodeBundle } from '../gateway/domain/bundle.ts';
import { postJson } from './scenarios/post-json.ts';

/**
 * One decision by the compiled default policy, alone in a warm process: input text in, `Decision` out. Prints
 * microseconds as JSON. Runs as `node evaluation.ts`.
 */
export type Evaluation = { readonly p50: number; readonly p99: number; readonly verdict: string };

const DECISIONS = 200_000;

const input = JSON.stringify({
  principal: { agent: 'bench', owner: 'bench@example.com', roles: ['payer'], on_behalf_of: [], session: null },
  action: {
    system: 'payments',
    operation: 'POST /v1/refunds',
    method: 'POST',
    path: '/v1/refunds',
    segments: ['v1', 'refunds'],
    query: {},
    headers: postJson.request.headers,
    protocol: 'http',
    body_bytes: postJson.request.body.length,
    body: JSON.parse(postJson.request.body) as unknown,
  },
  resource: { type: 'refunds', id: null },
  context: { time: '2026-11-21T00:00:00.000Z', ip: '127.0.0.1', flags: [], claims: {} },
});

const folder = new URL('../policies/dist/', import.meta.url);
const file = readdirSync(folder).find((name) => name.endsWith('.json'));
if (!file) throw new Error('policies/dist holds no compiled policy');
const evaluator = createEvaluator(decodeBundle(readFileSync(new URL(file, folder), 'utf8')));
for (let i = 0; i < DECISIONS / 4; i += 1) evaluator.decide(input);

const micros = new Float64Array(DECISIONS);
for (let i = 0; i < DECISIONS; i += 1) {
  const begun = process.hrtime.bigint();
  evaluator.decide(input);
  micros[i] = Number(process.hrtime.bigint() - begun) / 1000;
}
micros.sort();
const at = (share: number): number => micros[Math.floor(DECISIONS * share)]!;
const { verdict } = evaluator.decide(input);
process.stdout.write(JSON.stringify({ p50: at(0.5), p99: at(0.99), verdict } satisfies Evaluation));
