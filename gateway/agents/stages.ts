import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { createMask } from '../../audit/mask/mask.ts';
import type { Decider } from '../decide/decider.ts';
import { createDescribe, createDescribers } from '../describe/describe.ts';
import type { Call } from '../domain/call.ts';
import type { Clock } from '../domain/clock.ts';
import { complete } from '../domain/completion.ts';
import type { Decision } from '../domain/decision.ts';
import type { Passes } from '../domain/pass.ts';
import type { Store } from '../domain/store.ts';
import type { Journal } from '../domain/journal.ts';
import type { WrongTokens } from '../domain/wrong-tokens.ts';
import { createForward } from '../enforce/forward.ts';
import { createHoldPoint } from '../enforce/hold.ts';
import { createOpenCallIndex } from '../enforce/open-call-index.ts';
import { block, refuse } from '../enforce/refuse.ts';
import type { Cancellations } from '../enforce/wait/cancellations.ts';
import type { HoldWaiters } from '../enforce/wait/hold-waiters.ts';
import type { Patience } from '../enforce/wait/patience.ts';
import { createServeHeldCall } from '../enforce/wait/serve-held-call.ts';
import { createServeTask } from '../enforce/wait/serve-task.ts';
import type { Tellings } from '../enforce/wait/tellings.ts';
import { createAuthorize } from '../identify/authorize.ts';
import { createIdentify } from '../identify/identify.ts';
import type { ReadPass } from '../identify/passes.ts';
import { createRouter } from '../identify/route.ts';
import type { AgentDirectory } from '../identify/token.ts';
import type { Stages } from '../pipeline.ts';
import { createAlerts, type Alerts } from '../record/alerts.ts';
import { createCallMetrics } from '../record/call-metrics.ts';
import type { LogCall } from '../record/canonical-line.ts';
import { createRecorder } from '../record/recorder.ts';
import type { Enforcement } from './enforcement.ts';

/** The stages of the path, and the parts of them that must be started and stopped. */
export type StagesInService = {
  /** The stages under the configuration in force. A call keeps those with which it begins. */
  assemble(findAgent: AgentDirectory, readPass: ReadPass): Stages;
  /** Resolves when calls can be served. @throws Problem `store-unavailable` */
  start(): Promise<void>;
  /** After the last call. */
  stop(): Promise<void>;
  readonly alerts: Pick<Alerts, 'settled'>;
  /** Records what an MCP server asked its client. */
  asked(call: Call, decision: Decision): void;
};

/** Assembles the stages of a call's path. */
export function createStages(deps: {
  readonly enforcement: Enforcement;
  readonly policy: Omit<Decider, 'swap'>;
  readonly passes: Passes;
  readonly waiters: HoldWaiters;
  readonly patience: Patience;
  readonly cancellations: Cancellations;
  readonly tellings: Tellings;
  readonly store: Pick<Store, 'holds' | 'contents' | 'notifications' | 'senders'>;
  readonly journal: Journal;
  readonly node: string;
  /** Names this process. */
  readonly attemptedBy: string;
  /** Whether no other process holds calls. */
  readonly alone: boolean;
  readonly wrongTokens: WrongTokens;
  readonly registry: Registry;
  readonly log: Logger;
  readonly logCall: LogCall;
  readonly clock: Clock;
}): StagesInService {
  const { enforcement, policy, store, waiters, log } = deps;
  const { usage, releaser, suspensions } = enforcement;
  const metrics = createCallMetrics(deps.registry, () => waiters.size);
  const alerts = createAlerts({ notifications: store.notifications, log, failed: metrics.alertFailed });
  const mask = createMask({
    policy: () => policy.mask(),
    failed(err) {
      metrics.maskFailed();
      log.warn({ err }, 'a decision could not be masked; it is recorded without its input');
    },
  });
  const { journal, node, logCall, alone, clock } = deps;
  const record = createRecorder({ journal, node, log, logCall, metrics, alerts, clock, mask, usage });
  const sender = deps.attemptedBy;
  const { digest } = enforcement;
  const { holds, senders } = store;
  const openCalls = createOpenCallIndex({ holds, senders, digest, sender, alone, clock });
  const describerOf = createDescribers(policy, {
    passes: deps.passes,
    findTool: enforcement.tools.find,
    mayHold: policy.mayHold,
    beginTask: enforcement.tasks.begin,
  });
  const hold = createHoldPoint({
    holds: store.holds,
    opening: openCalls.opening,
    sender,
    digest,
    systems: enforcement.systems,
    onRecord: record.place,
  });
  const serveHeldCall = createServeHeldCall({
    holds: store.holds,
    contents: store.contents,
    waiters,
    patience: deps.patience,
    cancellations: deps.cancellations,
    tellings: deps.tellings,
    releaser,
    links: enforcement.links,
    systems: enforcement.systems,
  });

  const serveTask = createServeTask({
    holds,
    contents: store.contents,
    tasks: enforcement.tasks,
    waiters,
    tellings: deps.tellings,
    links: enforcement.links,
    systems: enforcement.systems,
  });

  function assemble(findAgent: AgentDirectory, readPass: ReadPass): Stages {
    const { systems, forwarder, links, meter, isGranted } = enforcement.current;
    return {
      identify: createIdentify({ route: createRouter(systems), findAgent, readPass, wrongTokens: deps.wrongTokens }),
      authorize: createAuthorize(isGranted, suspensions),
      describe: createDescribe(systems, describerOf),
      decide: usage.judge,
      record,
      supersedeOpenHold: openCalls.supersede,
      forward: createForward({
        forwarder,
        meter,
        links,
        messages: enforcement.messages,
        cancelled: deps.cancellations.cancelled,
      }),
      hold,
      serveHeldCall,
      serveTask,
      block,
      refuse,
    };
  }

  return {
    assemble,
    asked(call, decision) {
      const recorded = (): void => record.completed(call, decision, complete(decision.verdict === 'allow' ? 200 : 403));
      void Promise.resolve(record.decided(call, decision)).then(recorded, recorded);
    },
    start: openCalls.start,
    stop: openCalls.stop,
    alerts,
  };
}
