import { createPolicyTarget } from '../gateway/agents/policy-target.ts';
import { createEvaluator } from '../gateway/decide/evaluator.ts';
import { toolEnvironment } from '../gateway/config/config.ts';
import type { Bundle } from '../gateway/domain/bundle.ts';
import { compilePolicies } from '../policies/compile.ts';
import { findOpa } from '../policies/opa.ts';
import { readSources, type Sources } from '../policies/sources.ts';

/**
 * Measures one decision in a warm process, from input text to `Decision`, in microseconds. The policy has that many
 * systems, each with a copy of the example rules for payments. Prints `Evaluation` as JSON; runs as `node
 * evaluation.ts`, and needs `opa`.
 */
export type Evaluation = EvaluationAmong & {
  /** The same among more systems; the figures beside it are those for one. */
  readonly among: readonly EvaluationAmong[];
};

export type EvaluationAmong = Micros & {
  /** How many systems have rules. */
  readonly systems: number;
  /** Of a small refund, each time of another amount: nothing of it was decided before. */
  readonly verdict: string;
  /** A read, each time of another charge. */
  readonly read: Micros;
  /** The same small refund again and again, of another charge: what it depends on is known. */
  readonly again: Micros;
};

type Micros = { readonly p50: number; readonly p99: number };

const AMONG = [1, 10, 100, 500];
const ROUNDS = 6;
const DECISIONS = 10_000;
/** More than an evaluator remembers. */
const DIFFERENT = 4000;

type Call = { readonly method: string; readonly segments: readonly string[]; readonly body?: object };

function inputOf({ method, segments, body }: Call): string {
  const path = `/${segments.join('/')}`;
  return JSON.stringify({
    principal: { agent: 'bench', owner: 'bench@example.com', roles: ['payer'], on_behalf_of: [], session: null },
    action: {
      system: 'payments',
      operation: `${method} ${path}`,
      method,
      path,
      segments,
      protocol: 'http',
      query: {},
      headers: { 'content-type': 'application/json', 'user-agent': 'bench/1' },
      body_bytes: body === undefined ? 0 : JSON.stringify(body).length,
      body,
    },
    resource: { type: segments[1], id: segments[2] ?? null },
    context: { time: new Date().toISOString(), ip: '127.0.0.1', flags: [], claims: {} },
  });
}

const different = (call: (index: number) => Call) =>
  Array.from({ length: DIFFERENT }, (_, index) => inputOf(call(index)));
const charge = (index: number) => `ch_3Nx${String(index).padStart(13, '0')}`;
const KINDS = {
  refund: different((index) => refund(charge(index), index + 1)),
  read: different((index) => ({ method: 'GET', segments: ['v1', 'charges', charge(index)] })),
  again: different((index) => refund(charge(index), 1500)),
};

function refund(of: string, amount: number): Call {
  return { method: 'POST', segments: ['v1', 'refunds'], body: { charge: of, amount, reason: 'requested_by_customer' } };
}

/** The shipped rules, with those for payments once for every system. */
async function compileFor(systems: number): Promise<Bundle> {
  const shipped = await readSources(new URL('../policies/', import.meta.url).pathname);
  const payments = shipped.files.get('rules/payments.rego')!.toString();
  const names = ['holdpoint/decision.rego', 'rules/all.rego', 'rules/payments.rego'];
  const files = new Map(names.map((name) => [name, shipped.files.get(name)!]));
  for (let index = 1; index < systems; index += 1)
    files.set(
      `rules/s${index}.rego`,
      Buffer.from(payments.replace('package rules.payments', `package rules.s${index}`)),
    );
  const sources: Sources = { ...shipped, files, own: [...files.keys()] };
  return compilePolicies(sources, await findOpa(toolEnvironment()), createPolicyTarget(null));
}

function microsOf(samples: readonly number[]): Micros {
  const sorted = Float64Array.from(samples).sort();
  const at = (share: number) => Number(sorted[Math.floor(sorted.length * share)]!.toFixed(2));
  return { p50: at(0.5), p99: at(0.99) };
}

const benches = [];
for (const systems of AMONG) {
  const evaluator = createEvaluator(await compileFor(systems));
  benches.push({
    systems,
    evaluator,
    samples: { refund: [] as number[], read: [] as number[], again: [] as number[] },
  });
}
// In turns, so that what else the machine does meets all alike; the first round warms up.
for (let round = 0; round <= ROUNDS; round += 1) {
  for (const { evaluator, samples } of benches) {
    for (const kind of ['refund', 'read', 'again'] as const) {
      const inputs = KINDS[kind];
      for (let index = 0; index < DECISIONS; index += 1) {
        const input = inputs[index % DIFFERENT]!;
        const begun = process.hrtime.bigint();
        evaluator.decide(input);
        const micros = Number(process.hrtime.bigint() - begun) / 1000;
        if (round > 0) samples[kind].push(micros);
      }
    }
  }
}
const among = benches.map(({ systems, evaluator, samples }): EvaluationAmong => {
  const { verdict } = evaluator.decide(KINDS.refund[0]!);
  return {
    systems,
    verdict,
    ...microsOf(samples.refund),
    read: microsOf(samples.read),
    again: microsOf(samples.again),
  };
});
process.stdout.write(JSON.stringify({ ...among[0]!, among } satisfies Evaluation));
