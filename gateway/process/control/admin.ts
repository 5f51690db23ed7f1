import type { ClickHouseClient } from '@clickhouse/client';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { CONSOLE_FILES } from '../../../admin/console-files.ts';
import { buildAdmin } from '../../../admin/server.ts';
import { createCallLog } from '../../../audit/calls/call-log.ts';
import { createJournalTail } from '../../../audit/calls/journal-tail.ts';
import { createReviewRecord } from '../../../audit/calls/review-record.ts';
import { createReports, loadReports } from '../../../audit/reports/reports.ts';
import type { PolicyKeeper } from '../../../policies/keeper.ts';
import { misfits } from '../../../policies/misfits.ts';
import type { Enforcement } from '../../agents/enforcement.ts';
import type { Address } from '../../config/address.ts';
import type { Config } from '../../config/config.ts';
import type { Decider } from '../../decide/decider.ts';
import { amendCall, changedPlaces } from '../../describe/http/amend.ts';
import { bodySchema } from '../../describe/http/body-schema.ts';
import { ruleName } from '../../domain/bundle.ts';
import type { Clock } from '../../domain/clock.ts';
import type { SignInLinks } from '../../domain/session.ts';
import type { Store } from '../../domain/store.ts';
import type { SuspensionStore } from '../../domain/suspension.ts';
import { addUp } from '../../domain/work.ts';
import { createAmend } from '../../holds/amend.ts';
import { openables } from '../../holds/coverage.ts';
import { transition } from '../../holds/machine.ts';
import { approvedBy, demands } from '../../holds/quorum.ts';
import { createReviewerDirectory, tokenHashesOf } from '../../identify/token.ts';
import { consoleUrl } from '../console-url.ts';
import type { Questions } from '../questions.ts';
import type { Configuration } from './configuration.ts';
import { declaredOperations } from './declared-operations.ts';

/** The most hold events to read from the store while ClickHouse is unavailable. */
const OUTBOX_LIMIT = 10_000;

/** Assembles the admin listener. */
export async function createAdmin(deps: {
  /** The configuration in force. */
  readonly config: () => Config;
  readonly configuration: Pick<Configuration, 'status'>;
  /** The address of the listener. */
  readonly address: Address;
  readonly links: Pick<SignInLinks, 'open'>;
  readonly enforcement: Enforcement;
  readonly decider: Decider;
  readonly keeper: PolicyKeeper;
  readonly store: Omit<Store, 'close' | 'runs' | 'usage'>;
  readonly isStoreHealthy: () => boolean;
  /** Whether the tables in ClickHouse are ready. */
  readonly isClickHouseReady: () => boolean;
  readonly client: ClickHouseClient;
  readonly journals: string;
  readonly questions: Questions;
  readonly looked: (holdId: string) => void;
  readonly registry: Registry;
  readonly log: Logger;
  readonly clock: Clock;
}): Promise<FastifyInstance> {
  const { config, enforcement, decider, keeper, store, client, questions, registry, log, clock } = deps;
  const { systems, digest, decideAgain } = enforcement;

  async function renderMetrics(): Promise<string> {
    const { answers } = await questions.ask('metrics');
    const workers = answers.flatMap((answer) => ('metrics' in answer ? [answer.metrics] : []));
    const own = await registry.getMetricsAsJSON();
    return AggregatorRegistry.aggregate([...workers, own] as object[]).metrics();
  }

  async function inFlight() {
    const { answers, complete } = await questions.ask('in-flight');
    return { ...addUp(answers.flatMap((answer) => ('inFlight' in answer ? [answer.inFlight] : []))), complete };
  }

  return buildAdmin({
    inFlight,
    holds: store.holds,
    contents: store.contents,
    grants: store.grants,
    delegations: store.delegations,
    notifications: store.notifications,
    preferences: store.preferences,
    looked: deps.looked,
    transition,
    demands: (hold) => demands(hold).map((demand) => ({ ...demand, approvals: approvedBy(hold, demand) })),
    openables,
    amend: createAmend({
      decide: decideAgain,
      digest,
      edit: { amendCall, changedPlaces },
      repeated: async (hold) => (await enforcement.tools.find(hold.system, hold.operation))?.repeated ?? null,
    }),
    toolDefinition: store.tools.latest,
    changedPlaces,
    bodySchema: (system, ...of) => bodySchema(systems.get(system)?.openapi, ...of),
    suspensions: enforcedSuspensions(store.suspensions, questions, log),
    peopleToLift: () => config().stop.lifted_by,
    people: () => config().reviewers,
    agents: () => config().agents,
    dayUsage: enforcement.usage.agentDay,
    systems: () => [...systems.keys()],
    declaredOperations: () => declaredOperations(systems, store.tools),
    config: deps.configuration.status,
    calls: createCallLog(client, {
      undelivered: {
        journals: createJournalTail(deps.journals),
        outbox: async () => (await store.outbox.read(0, OUTBOX_LIMIT)).map(({ event }) => event),
      },
      clock,
    }),
    reviews: createReviewRecord(client, clock),
    reports: createReports(client, await loadReports(), { clock }),
    policy: {
      status: () => policyStatus(keeper),
      evaluate: (input) => decider.decide(JSON.stringify(input)),
      misfits,
      ruleText: (revision, place) => keeper.ruleText(revision, place),
    },
    authenticate: createAuthenticate(config),
    tokenHashes: (id) => tokenHashesOf(config().reviewers, id),
    sessions: store.sessions,
    links: deps.links,
    consoleUrl: () => consoleUrl(config(), deps.address),
    consoleFiles: CONSOLE_FILES,
    metrics: { contentType: registry.contentType, render: renderMetrics },
    // Ready to serve calls. That needs no ClickHouse, so a gateway without it stays in service.
    readiness: () => ({
      ready: decider.revision() !== null,
      checks: {
        policy: keeper.status().refused ? 'in force; a newer version was refused' : 'ok',
        holds: deps.isStoreHealthy() ? 'ok' : 'the store is unavailable; new holds are refused',
        clickhouse: deps.isClickHouseReady() ? 'ok' : 'the tables are not ready; events wait in the journal',
      },
    }),
    log,
    clock,
  });
}

/** Finds the reviewer of a token in the configuration in force. */
function createAuthenticate(config: () => Config): ReturnType<typeof createReviewerDirectory> {
  let known = { config: config(), find: createReviewerDirectory(config().reviewers) };
  return (token) => {
    const now = config();
    if (known.config !== now) known = { config: now, find: createReviewerDirectory(now.reviewers) };
    return known.find(token);
  };
}

/** Suspensions that every process of this gateway enforces before the admin API answers. */
function enforcedSuspensions(
  suspensions: SuspensionStore,
  questions: Questions,
  log: Logger,
): Pick<SuspensionStore, 'list' | 'suspend' | 'resume' | 'stop' | 'lift'> {
  /** Resolves when every process of this gateway enforces the committed suspensions. */
  async function enforced(): Promise<void> {
    const [{ complete }] = await Promise.all([questions.ask('suspensions'), suspensions.refresh()]);
    if (!complete) log.warn('a worker did not confirm the suspensions in time');
  }
  return {
    list: () => suspensions.list(),
    async suspend(suspension) {
      const suspended = await suspensions.suspend(suspension);
      await enforced();
      return suspended;
    },
    async resume(...whose) {
      const resumed = await suspensions.resume(...whose);
      await enforced();
      return resumed;
    },
    async stop(...of) {
      await suspensions.stop(...of);
      await enforced();
    },
    async lift(...of) {
      await suspensions.lift(...of);
      await enforced();
    },
  };
}

function policyStatus(keeper: PolicyKeeper) {
  const { active, refused } = keeper.status();
  return {
    revision: active?.revision ?? null,
    activatedAt: active?.activatedAt ?? null,
    rules: (active?.rules ?? []).map(ruleName),
    sources: active?.rules ?? [],
    refused: refused && { at: refused.at, reason: refused.reasons.join('\n') },
  };
}
