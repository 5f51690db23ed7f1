import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/config.ts';
import type { AgentConfig } from '../config/people.ts';
import type { Decider } from '../decide/decider.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import type { DigestAction } from '../domain/hold.ts';
import type { Store } from '../domain/store.ts';
import type { Meter } from '../domain/metering.ts';
import type { System } from '../domain/system.ts';
import { createLinks, type Links } from '../enforce/links/links.ts';
import { createForwarder, type Forwarder } from '../enforce/forwarder.ts';
import { createOutcomes, type Outcomes } from '../enforce/release/outcomes.ts';
import { whyMoved } from '../enforce/release/moved.ts';
import { createReleaser, type Releaser } from '../enforce/release/release.ts';
import { createDigest } from '../holds/binding.ts';
import { createGrants, createWhyNotPermitted } from '../identify/permission.ts';
import { watchSuspensions, type Suspensions } from '../identify/suspensions.ts';
import { createMeter } from '../metering/meter.ts';
import { createUsage, type Usage } from '../metering/usage.ts';
import { createDriftMetrics } from '../record/drift-metrics.ts';

/** The parts that send calls under policy. Workers use them, and so does control, for callers that left. */
export type Enforcement = {
  readonly systems: ReadonlyMap<string, System>;
  readonly forwarder: Forwarder;
  readonly links: Links;
  readonly releaser: Releaser;
  readonly outcomes: Outcomes;
  readonly meter: Meter;
  readonly usage: Usage;
  readonly suspensions: Suspensions;
  readonly isGranted: (agent: string, system: string) => boolean;
  readonly digest: DigestAction;
  /** Decides again on an input, with its usage brought up to date, and its repeats if the call's digest is given. */
  readonly decideAgain: (input: string, digest: string | null, otherReadings?: readonly string[]) => Decision;
};

export function createEnforcement(deps: {
  readonly systems: Config['systems'];
  readonly agents: readonly AgentConfig[];
  readonly policy: Omit<Decider, 'swap'>;
  readonly store: Pick<Store, 'holds' | 'contents' | 'suspensions' | 'usage' | 'senders'>;
  /** Names this process in the attempts to release. */
  readonly attemptedBy: string;
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
  readonly usageFailed: (error: unknown) => void;
  readonly suspensionsChanged?: () => void;
}): Enforcement {
  const { policy, store, log, clock } = deps;
  const systems = new Map<string, System>(deps.systems.map((system) => [system.name, system]));
  const forwarder = createForwarder(deps.systems, (file, why) => {
    if (why === null) log.info({ file }, 'the credential in a file was renewed');
    else log.warn({ file, why }, 'the credential in a file cannot be read again; its last value stays in force');
  });
  const links = createLinks(deps.systems);
  const meter = createMeter({
    systems: deps.systems,
    drift: policy,
    log,
    counted: createDriftMetrics(deps.registry),
  });
  const digest = createDigest(systems);
  const usage = createUsage({
    store: store.usage,
    wanted: () => policy.readsUsage(),
    wantsRepeat: (system) => policy.readsRepeat(system),
    digest,
    clock,
    failed: deps.usageFailed,
  });
  const suspensions = watchSuspensions(store.suspensions, deps.suspensionsChanged);
  const isGranted = createGrants(deps.agents);
  const whyNotPermitted = createWhyNotPermitted(isGranted, suspensions);
  const decideAgain: Enforcement['decideAgain'] = (input, call, otherReadings) =>
    policy.decide(
      usage.judgedAgain(input, call),
      otherReadings?.map((reading) => usage.judgedAgain(reading, call)),
    );
  const outcomes = createOutcomes(store.holds, (hold, { type }, why) =>
    log.warn({ hold_id: hold.id, outcome: type, why }, 'the outcome of a released call came too late to record'),
  );
  const releaser = createReleaser({
    holds: store.holds,
    contents: store.contents,
    senders: store.senders,
    decide: decideAgain,
    released: usage.released,
    spent: usage.spent,
    forwarder,
    outcomes,
    meter,
    digest,
    systems,
    whyNotPermitted: (agent, system, upstream) => whyNotPermitted(agent, system) ?? whyMoved(systems, system, upstream),
    by: deps.attemptedBy,
    clock,
  });
  return { systems, forwarder, links, releaser, outcomes, meter, usage, suspensions, isGranted, digest, decideAgain };
}
