import type { Logger } from 'pino';
import type { Drift, DriftRules, Measurement, Meter } from '../domain/metering.ts';
import type { Call } from '../domain/call.ts';
import { inputText } from '../domain/call-input.ts';
import type { Cost } from '../domain/cost.ts';
import type { System } from '../domain/system.ts';
import { KeptSample } from './answer-sample.ts';
import { textOf } from './content-coding.ts';
import { driftInput } from './drift-input.ts';
import { lastEvents, lastResponse, meteredCost, parsed } from './metered-cost.ts';
import { createPriceList, type Price } from './price-list.ts';

/**
 * How checking the drift rules ended: no drift, drift, an answer that could not be read (not JSON, too large, cut
 * short), or a failure of the rules.
 */
type DriftResult = 'none' | 'found' | 'unread' | 'failed';

const NOTHING: Measurement = { cost: null, drift: null };

/**
 * Measures what an answered call cost, and whether the answer contradicts the decision (drift).
 *
 * The cost is read from the answer; if the answer has none, it comes from policy, and failing that from the price list.
 * The last two count only for calls that the upstream accepted (a status below 400), while an answer may charge for a
 * failure.
 * @param deps.counted called for each answer that drift rules apply to
 */
export function createMeter(deps: {
  readonly systems: readonly Pick<System, 'name' | 'costs'>[];
  readonly drift: DriftRules;
  readonly log: Logger;
  readonly counted: (system: string, result: DriftResult) => void;
}): Meter {
  const { drift: rules, log, counted } = deps;
  const priceOf = createPriceList(deps.systems);

  return {
    expects({ system, operation }, policyCost) {
      const price = priceOf(system, operation);
      return { cost: policyCost ?? price?.fixed ?? null, metered: price?.metered?.unit ?? null };
    },
    sample({ system, operation }) {
      return priceOf(system, operation)?.metered || rules.watches(system) ? new KeptSample() : null;
    },
    measure(call, policyCost, sample, { status, problem }) {
      const price = priceOf(call.system, call.operation);
      const expected = status > 0 && status < 400 ? (policyCost ?? price?.fixed ?? null) : null;
      if (sample instanceof KeptSample && status > 0) return read(call, expected, price, sample, problem === null);
      return expected ? { cost: expected, drift: null } : NOTHING;
    },
  };

  async function read(
    call: Pick<Call, 'id' | 'system' | 'input'>,
    expected: Cost | null,
    price: Price | null,
    sample: KeptSample,
    whole: boolean,
  ): Promise<Measurement> {
    const text = isReadable(sample, whole) ? await textOf(sample.body, sample.header('content-encoding')) : null;
    const isStream = sample.kind === 'events';
    const documents = text === null ? [] : isStream ? lastEvents(text) : [parsed(text)];
    const json = text !== null && isStream ? lastResponse(text) : documents[0] === undefined ? null : text;
    return {
      cost: (price?.metered && meteredCost(price.metered, { sample, documents })) ?? expected,
      drift: findDrift(call, sample, json),
    };
  }

  function findDrift(
    { id, system, input }: Pick<Call, 'id' | 'system' | 'input'>,
    sample: KeptSample,
    json: string | null,
  ): Drift | null {
    if (!rules.watches(system)) return null;
    if (json === null) {
      counted(system, 'unread');
      return null;
    }
    const { drift, fault } = rules.findDrift(driftInput(inputText(input), sample, json));
    counted(system, fault !== null ? 'failed' : drift ? 'found' : 'none');
    const about = { call_id: id, system };
    if (fault !== null) log.error({ ...about, fault }, 'the drift rules of the policy failed; the call had its answer');
    if (drift) {
      const { rules: found, policyRevision } = drift;
      log.warn({ ...about, rules: found, policy_revision: policyRevision }, 'an answer contradicts what was decided');
    }
    return drift;
  }
}

/** Cut-off JSON cannot be read; the events of a stream are true even if it broke off. */
function isReadable({ kind }: KeptSample, whole: boolean): boolean {
  return kind === 'events' || (kind === 'json' && whole);
}
