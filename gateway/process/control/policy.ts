import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { createPolicyKeeper, type PolicyKeeper } from '../../../policies/keeper.ts';
import { findOpa } from '../../../policies/opa.ts';
import { createPolicyTarget } from '../../agents/policy-target.ts';
import { toolEnvironment, type Config } from '../../config/config.ts';
import { createBundleStore } from '../../decide/bundle-store.ts';
import { createDecider, type Decider } from '../../decide/decider.ts';
import { createEvaluator } from '../../decide/evaluator.ts';
import { ruleName, type Bundle } from '../../domain/bundle.ts';
import type { Clock } from '../../domain/clock.ts';
import type { RecordStep } from './record-step.ts';

/** The policy of the gateway. Control compiles, checks and activates it; workers load it from disk. */
export function createPolicy(deps: {
  /** The configuration in force. */
  readonly config: () => Config;
  /** The folder of compiled bundles, which the workers read. */
  readonly bundles: string;
  readonly registry: Registry;
  readonly log: Logger;
  readonly record: RecordStep;
  readonly activated: (revision: string) => void;
  readonly clock: Clock;
}): { readonly decider: Decider; readonly keeper: PolicyKeeper } {
  const { config, registry, log, record, clock } = deps;
  const changes = new Counter({
    name: 'holdpoint_policy_changes_total',
    help: 'Changes to the policy folder, by result (activated or refused)',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['activated', 'refused']) changes.inc({ result }, 0);
  const decider = createDecider();
  const tools = toolEnvironment();
  const keeper = createPolicyKeeper({
    dir: config().policies,
    target: () => createPolicyTarget(config().systems),
    store: createBundleStore(deps.bundles),
    load: (bundle) => createEvaluator(bundle, { clock }),
    opa: () => findOpa({ ...tools, say: (message) => log.info(message) }),
    onActivated(bundle) {
      decider.swap(createEvaluator(bundle, { clock }));
      changes.inc({ result: 'activated' });
      record('policy.activated', { policy_revision: bundle.revision, ...rulesOf(bundle) });
      deps.activated(bundle.revision);
    },
    onRefused(reasons) {
      changes.inc({ result: 'refused' });
      record('policy.refused', { reason: reasons.join('\n'), failure: 'policy-wrong' });
      log.error({ reasons }, 'the policy folder has an invalid policy; the old one stays in force');
    },
    clock,
  });
  return { decider, keeper };
}

/** Characters of the list of rules in an event; the journal takes a line of 1 MiB. */
const MOST_LISTED = 512 * 1024;

/** Each rule with its verdict and place: events of calls name the rules and this revision. Nothing if they are too many. */
function rulesOf({ rules }: Bundle) {
  const listed = {
    rules: rules.map((rule) => ruleName(rule)),
    rule_verdicts: rules.map(({ verdict }) => verdict),
    rule_places: rules.map(({ file, line }) => `${file}:${line}`),
  };
  return JSON.stringify(listed).length <= MOST_LISTED ? listed : {};
}
