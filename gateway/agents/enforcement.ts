import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config/config.ts';
import type { AgentConfig } from '../config/people.ts';
import type { Decider } from '../decide/decider.ts';
import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import type { Decision } from '../domain/decision.ts';
import type { DigestAction } from '../domain/hold.ts';
import type { Store } from '../domain/store.ts';
import type { Passes } from '../domain/pass.ts';
import type { Meter } from '../domain/metering.ts';
import type { System } from '../domain/system.ts';
import { createLinks, type Links } from '../enforce/links/links.ts';
import { createGatewayUrls, type GatewayUrls } from '../enforce/reply/gateway-urls.ts';
import { createToolCatalog, type ToolCatalog } from '../enforce/mcp/tool-catalog.ts';
import { createTasks, type Tasks } from '../enforce/mcp/tasks.ts';
import { createMessages, type Messages } from '../enforce/mcp/messages.ts';
import { createRefuseRequest } from '../enforce/mcp/refuse-request.ts';
import { createForwarder, createRoutes, type Forwarder } from '../enforce/forwarder.ts';
import { createOutcomes, type Outcomes } from '../enforce/release/outcomes.ts';
import { whyMoved } from '../enforce/release/moved.ts';
import { createReleaser, type Releaser } from '../enforce/release/release.ts';
import { createDigest } from '../holds/binding.ts';
import { createGrants, createWhyNotPermitted } from '../identify/permission.ts';
import { watchSuspensions, type Suspensions } from '../identify/suspensions.ts';
import { createMeter } from '../metering/meter.ts';
import { createUsage, type Usage } from '../metering/usage.ts';
import { createDriftMetrics } from '../record/drift-metrics.ts';

/** The part of a configuration that decides how calls are served. */
export type CallSettings = {
  readonly systems: Config['systems'];
  readonly agents: readonly AgentConfig[];
  readonly public_url?: Config['public_url'];
};

/** What follows from one configuration alone, so that a call keeps what it began with. */
type Configured = {
  readonly systems: Config['systems'];
  readonly forwarder: Forwarder;
  readonly urls: GatewayUrls;
  readonly links: Links;
  readonly meter: Meter;
  readonly digest: DigestAction;
  readonly isGranted: (agent: string, system: string) => boolean;
};

/**
 * The parts that send calls under policy. Workers use them, and so does control, for callers that left. Each follows
 * the configuration in force: a call that waited for a reviewer is released under the one of that moment.
 */
export type Enforcement = {
  readonly systems: ReadonlyMap<string, System>;
  readonly forwarder: Forwarder;
  readonly urls: GatewayUrls;
  readonly links: Links;
  readonly messages: Messages;
  /** The tools of MCP servers, and the tasks as which their calls run. */
  readonly tools: ToolCatalog;
  readonly tasks: Tasks;
  readonly releaser: Releaser;
  readonly outcomes: Outcomes;
  readonly meter: Meter;
  readonly usage: Usage;
  readonly suspensions: Suspensions;
  readonly isGranted: (agent: string, system: string) => boolean;
  readonly digest: DigestAction;
  /**
   * What policy would decide on an input now, with its usage brought up to date, and its repeats if the call's digest is
   * given. For previews: nothing is reserved.
   */
  readonly decideAgain: (input: string, digest: string | null, otherReadings?: readonly string[]) => Decision;
  /** The parts under the configuration in force, for calls that begin now. */
  readonly current: Configured;
  /** Brings a configuration into force. A system that is the same object keeps its connections. */
  configure(settings: CallSettings): void;
};

type EnforcementDeps = CallSettings & {
  readonly policy: Omit<Decider, 'swap'>;
  readonly passes: Passes;
  readonly store: Pick<Store, 'holds' | 'contents' | 'suspensions' | 'usage' | 'senders' | 'tools' | 'tasks'>;
  /** Names this process in the attempts to release. */
  readonly attemptedBy: string;
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
  readonly usageFailed: (error: unknown) => void;
  readonly suspensionsChanged?: () => void;
  /** Records what an MCP server asked its client. */
  readonly asked?: (call: Call, decision: Decision) => void;
};

export function createEnforcement(deps: EnforcementDeps): Enforcement {
  const { policy, store, log, clock } = deps;
  const counted = createDriftMetrics(deps.registry);
  const { routeTo, close } = createRoutes((file, why) => {
    if (why === null) log.info({ file }, 'the credential in a file was renewed');
    else log.warn({ file, why }, 'the credential in a file cannot be read again; its last value stays in force');
  });
  const systems = new Map<string, System>();

  function configured({ systems: all, agents, public_url }: CallSettings): Configured {
    systems.clear();
    for (const system of all) systems.set(system.name, system);
    const urls = createGatewayUrls(all, public_url, deps.passes);
    return {
      systems: all,
      forwarder: createForwarder(all, routeTo),
      urls,
      links: createLinks(all, urls, deps.passes),
      meter: createMeter({ systems: all, drift: policy, log, counted }),
      digest: createDigest(new Map(systems)),
      isGranted: createGrants(agents),
    };
  }
  let current = configured(deps);

  const forwarder: Forwarder = {
    prepare: (...of) => current.forwarder.prepare(...of),
    send: (...of) => current.forwarder.send(...of),
    async close() {
      close();
      await current.forwarder.close();
    },
  };
  const urls: GatewayUrls = {
    system: (...of) => current.urls.system(...of),
    hold: (...of) => current.urls.hold(...of),
  };
  const links: Links = {
    through: (...of) => current.links.through(...of),
    stored: (...of) => current.links.stored(...of),
  };
  const meter: Meter = {
    expects: (...of) => current.meter.expects(...of),
    sample: (...of) => current.meter.sample(...of),
    measure: (...of) => current.meter.measure(...of),
  };
  const digest: DigestAction = Object.assign((...of: Parameters<DigestAction>) => current.digest(...of), {
    envelope: (...of: Parameters<DigestAction>) => current.digest.envelope(...of),
    earlier: (...of: Parameters<DigestAction>) => current.digest.earlier(...of),
  });
  const usage = createUsage({
    store: store.usage,
    decide: policy.decide,
    wanted: (system) => policy.readsUsage(system),
    expects: (...of) => current.meter.expects(...of),
    wantsRepeat: (system) => policy.readsRepeat(system),
    digest,
    clock,
    failed: deps.usageFailed,
  });
  const suspensions = watchSuspensions(store.suspensions, deps.suspensionsChanged);
  const isGranted = (agent: string, system: string) => current.isGranted(agent, system);
  const whyNotPermitted = createWhyNotPermitted(isGranted, suspensions);
  const decideAgain: Enforcement['decideAgain'] = (input, call, otherReadings) =>
    policy.decide(
      usage.renewed(input, call),
      otherReadings?.map((reading) => usage.renewed(reading, call)),
    );
  const outcomes = createOutcomes(store.holds, (hold, { type }, why) =>
    log.warn({ hold_id: hold.id, outcome: type, why }, 'the outcome of a released call came too late to record'),
  );
  const failed = (err: unknown) => log.warn({ err }, 'the store did not take what an MCP server listed or answered');
  const tools = createToolCatalog({ tools: store.tools, clock, failed });
  const tasks = createTasks({ passes: deps.passes, tasks: store.tasks, clock, failed });
  const messages = createMessages({
    listed: tools.listed,
    mayHold: policy.mayHold,
    decide: (input) => policy.decide(input),
    asked: (call, decision) => deps.asked?.(call, decision),
    refuse: createRefuseRequest(forwarder),
    passes: deps.passes,
    clock,
  });
  const releaser = createReleaser({
    messages,
    holds: store.holds,
    contents: store.contents,
    senders: store.senders,
    judge: usage.judgeAgain,
    released: usage.released,
    forwarder,
    outcomes,
    meter,
    digest,
    systems,
    isStopped: () => suspensions.stopped,
    whyNotPermitted: (hold) => whyNotPermitted(hold.principal.agent, hold.system) ?? whyMoved(systems, hold),
    by: deps.attemptedBy,
    clock,
  });
  return {
    systems,
    forwarder,
    urls,
    links,
    messages,
    tools,
    tasks,
    releaser,
    outcomes,
    meter,
    usage,
    suspensions,
    isGranted,
    digest,
    decideAgain,
    get current() {
      return current;
    },
    configure(settings) {
      current = configured(settings);
    },
  };
}
