import { join } from 'node:path';
import { AggregatorRegistry, collectDefaultMetrics, Counter, Registry } from 'prom-client';
import { registerHoldMetrics } from '../../admin/metrics.ts';
import { buildAdmin } from '../../admin/server.ts';
import { createCallLog } from '../../audit/calls/call-log.ts';
import { createJournalTail } from '../../audit/calls/journal-tail.ts';
import { connectClickHouse } from '../../audit/clickhouse/clickhouse.ts';
import { registerJournalMetrics } from '../../audit/journal/journal-metrics.ts';
import { openJournal } from '../../audit/journal/journal.ts';
import { loadOrCreateLedgerKey } from '../../audit/ledger/ledger-key.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { migrate } from '../../audit/clickhouse/migrate.ts';
import { createOutboxSource } from '../../audit/ship/outbox-source.ts';
import { createReports, loadReports } from '../../audit/reports/reports.ts';
import { registerShipMetrics } from '../../audit/ship/ship-metrics.ts';
import { createShipper } from '../../audit/ship/shipper.ts';
import { createPolicyKeeper } from '../../policies/keeper.ts';
import { findOpa } from '../../policies/opa.ts';
import { listenOn } from '../agents/listen.ts';
import { createAmend } from '../holds/amend.ts';
import { amendCall, changedPlaces } from '../describe/http/amend.ts';
import { createMeter } from '../metering/meter.ts';
import { parseConfig, toolEnvironment } from '../config/config.ts';
import { dataFolder, lockFolder, ORPHAN_PATIENCE } from './data-folder.ts';
import { createBundleStore } from '../decide/bundle-store.ts';
import { createDecider } from '../decide/decider.ts';
import { createEvaluator } from '../decide/evaluator.ts';
import type { Event, EventType } from '../domain/event.ts';
import { createId } from '../domain/id.ts';
import { createForwarder } from '../enforce/forwarder.ts';
import { transition } from '../holds/machine.ts';
import { createNoticeDelivery } from '../holds/notify/notification-delivery.ts';
import { createNotifier } from '../holds/notify/notifier.ts';
import { approvedBy, demands } from '../holds/quorum.ts';
import { createHoldTimers } from '../holds/timers.ts';
import { watchSuspensions } from '../identify/suspensions.ts';
import { createReviewerDirectory } from '../identify/token.ts';
import { createLog } from './log.ts';
import { openStore } from './open-store.ts';
import { createQuestions } from './questions.ts';
import { createDriftMetrics } from '../record/drift-metrics.ts';
import { createReleases, unlessAway } from '../enforce/release/releases.ts';
import { runProcess, type Inbox } from './run-process.ts';
import type { FromControl, ToControl } from './messages.ts';
import { createDigest } from '../holds/binding.ts';
import { createGrants, createWhyNotPermitted } from '../identify/permission.ts';
import { createUsage } from '../metering/usage.ts';

/** Milliseconds between looks for holds whose time has come. */
const TIMER_INTERVAL = 500;
/** Milliseconds between looks for messages that people are to get. */
const NOTICE_INTERVAL = 500;
/** How long the last events may take to reach ClickHouse when the gateway stops; the journal keeps the rest. */
const LAST_SHIPMENT = 1_000;
/** How long it takes to end at most when nobody says how long it may take. */
const OWN_DRAIN = 8_000;
/** What everything else needs to end. */
const LAST_MOMENT = 500;

/** Steps of holds that are looked at in the store while ClickHouse is away. */
const OUTBOX_GLANCE = 10_000;

const tell = (message: FromControl) => process.send?.(message, undefined, undefined, () => {});

/** Everything beside the data plane: policy, people, timers, releases for callers who left, and shipping the record. */
async function start(
  { config: { file, text }, listen, instance, run, alive }: ToControl & { type: 'start' },
  inbox: Inbox<ToControl>,
): Promise<void> {
  const config = parseConfig(text, file);
  const { node } = config;
  const folder = dataFolder(config.data);
  const log = createLog('control', config.log);
  const clock = Date.now;

  lockFolder(join(folder.journals, 'control'), ORPHAN_PATIENCE);
  const store = await openStore(config, folder, listen.admin, clock);

  const signer = createSigner(await loadOrCreateLedgerKey(folder.ledgerKey));
  const journal = await openJournal({
    dir: join(folder.journals, 'control'),
    node,
    signer,
    limit: config.journal.limit,
    whenFull: config.journal.when_full,
    clock,
    onError: (err, lost) => log.error({ err, lost_events: lost }, 'the journal of control cannot be written'),
  });
  /** Never throws: a policy that blocks must come into force although the journal is full. */
  function record(type: EventType, fields: Pick<Event, 'policy_revision' | 'reason' | 'failure'>): void {
    const event_id = createId('evt');
    try {
      const by = { actor: 'holdpoint', actor_kind: 'gateway' } as const;
      const layer = type === 'journal.damaged' ? 'record' : 'decide';
      journal.append({ event_id, at: clock(), node, type, layer, ...by, ...fields });
    } catch (err) {
      log.error({ err, type, ...fields }, 'something that the record must tell of could not be recorded');
    }
  }

  // --- policy: compiled, checked and put in force here; workers are told when it is on disk
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdpoint_control_' });
  registerJournalMetrics(registry, 'control', () => journal.status());
  registerHoldMetrics(registry, () => store.counts());
  const changes = new Counter({
    name: 'holdpoint_policy_changes_total',
    help: 'Changes to the policy folder, by whether they came into force',
    labelNames: ['result'],
    registers: [registry],
  });
  for (const result of ['activated', 'refused']) changes.inc({ result }, 0);
  const decider = createDecider();
  const tools = toolEnvironment();
  const keeper = createPolicyKeeper({
    dir: config.policies,
    store: createBundleStore(folder.policy),
    load: (bundle) => createEvaluator(bundle, { clock }),
    opa: () => findOpa({ ...tools, say: (message) => log.info(message) }),
    onActivated(bundle) {
      decider.swap(createEvaluator(bundle, { clock }));
      changes.inc({ result: 'activated' });
      record('policy.activated', { policy_revision: bundle.revision });
      tell({ type: 'policy', revision: bundle.revision });
    },
    onRefused(reasons) {
      changes.inc({ result: 'refused' });
      record('policy.refused', { reason: reasons.join('\n'), failure: 'policy-wrong' });
      log.error({ reasons }, 'the policy folder holds a policy that cannot be used; the old one stays in force');
    },
    clock,
  });

  // --- holds: what control does for those whose callers left, timers, and messages to people
  const suspensions = watchSuspensions(store.suspensions);
  const usage = createUsage({
    store: store.usage,
    wanted: () => decider.readsUsage(),
    clock,
    failed: (err) => unlessAway(err, () => log.warn({ err }, 'usage could not be shared with other processes')),
  });
  const decide = (input: string) => decider.decide(usage.judgedAgain(input));
  const systems = new Map(config.systems.map((system) => [system.name, system]));
  const digest = createDigest(systems);
  const forwarder = createForwarder(config.systems);
  const releases = createReleases({
    store,
    decide,
    forwarder,
    spent: usage.spent,
    meter: createMeter({
      systems: config.systems,
      drift: decider,
      log,
      counted: createDriftMetrics(registry),
    }),
    digest,
    systems,
    barred: createWhyNotPermitted(createGrants(config.agents), suspensions),
    instance,
    run,
    alive,
    log,
    clock,
  });
  const failing = (message: string) => (err: unknown) => unlessAway(err, () => log.error({ err }, message));
  const timers = createHoldTimers({
    store,
    clock,
    interval: TIMER_INTERVAL,
    failed: failing('holds that are due could not be settled; they are tried again'),
  });
  const told = new Counter({
    name: 'holdpoint_notices_total',
    help: 'Attempts to tell people of something, by channel and how they ended',
    labelNames: ['channel', 'outcome'],
    registers: [registry],
  });
  const delivery = createNoticeDelivery({
    notices: store.notices,
    notifier: createNotifier(config.notify, { clock }),
    clock,
    interval: NOTICE_INTERVAL,
    failed: failing('messages to people could not be sent; they are tried again'),
    counted: (channel, outcome) => told.inc({ channel, outcome }),
  });
  await Promise.all([releases.live(), store.suspensions.refresh()]);
  // With the first policy the workers start, whether there is a ClickHouse yet or not.
  await keeper.start();
  const { address: clickhouse } = await inbox.take('clickhouse');
  usage.start();
  releases.start();
  timers.start();
  delivery.start();

  // --- the record on its way to ClickHouse
  const client = connectClickHouse(clickhouse);
  const prepare = () => migrate(client, { cluster: config.clickhouse?.cluster, retention: config.retention });
  // Not only when there is something to ship: analysts look at the tables before.
  void prepare().catch((err: unknown) =>
    log.warn({ err }, 'the tables in ClickHouse could not be made ready; it is tried again before events go there'),
  );
  const shipper = await createShipper({
    dir: folder.journals,
    client,
    prepare,
    sources: (home) => [createOutboxSource({ name: 'holds-outbox', outbox: store.outbox, home, node, signer, clock })],
    record,
    clock,
    onReport: ({ type, ...report }) =>
      type === 'resumed'
        ? log.info(report, 'events reach ClickHouse again')
        : log.warn({ report: type, ...report }, 'events do not reach ClickHouse as they should'),
  });
  registerShipMetrics(registry, shipper);
  shipper.start();

  // --- the admin listener
  const questions = createQuestions(tell);
  async function renderMetrics(): Promise<string> {
    const { answers } = await questions.ask('metrics');
    const workers = answers.flatMap((answer) => ('metrics' in answer ? [answer.metrics] : []));
    const own = await registry.getMetricsAsJSON();
    return AggregatorRegistry.aggregate([...workers, own] as object[]).metrics();
  }

  /** Resolves when every process of this gateway acts by the suspensions that are committed. */
  async function everybodyKnows(): Promise<void> {
    const [{ complete }] = await Promise.all([questions.ask('suspensions'), store.suspensions.refresh()]);
    if (!complete) log.warn('a worker has not said in time that it knows who is suspended');
  }

  const admin = buildAdmin({
    holds: store,
    transition,
    demands: (hold) => demands(hold).map((demand) => ({ ...demand, approvals: approvedBy(hold, demand) })),
    amend: createAmend({ decide, digest, edit: { amendCall, changedPlaces } }),
    suspensions: {
      list: () => store.suspensions.list(),
      async suspend(suspension) {
        const suspended = await store.suspensions.suspend(suspension);
        await everybodyKnows();
        return suspended;
      },
      async resume(...whose) {
        const resumed = await store.suspensions.resume(...whose);
        await everybodyKnows();
        return resumed;
      },
    },
    people: config.reviewers,
    agents: config.agents,
    systems: [...systems.keys()],
    calls: createCallLog(client, {
      undelivered: {
        journals: createJournalTail(folder.journals),
        outbox: async () => (await store.outbox.read(0, OUTBOX_GLANCE)).map(({ event }) => event),
      },
      clock,
    }),
    reports: createReports(client, await loadReports(), { clock }),
    policy: {
      status() {
        const { active, refused } = keeper.status();
        return {
          revision: active?.revision ?? null,
          activatedAt: active?.activatedAt ?? null,
          rules: (active?.rules ?? []).map((rule) => `${rule.package}/${rule.rule ?? '(computed)'}`),
          refused: refused && { at: refused.at, reason: refused.reasons.join('\n') },
        };
      },
      evaluate: (input) => decider.decide(JSON.stringify(input)),
    },
    authenticate: createReviewerDirectory(config.reviewers),
    metrics: { contentType: registry.contentType, render: renderMetrics },
    readiness: () => ({
      ready: decider.revision() !== null,
      checks: {
        policy: keeper.status().refused ? 'in force; a newer one was refused' : 'ok',
        holds: releases.healthy ? 'ok' : 'the store does not answer; new holds are refused',
      },
    }),
    log,
    clock,
  });
  await admin.ready();
  await listenOn(admin.server, listen.admin);
  tell({ type: 'listening' });

  let ending = false;
  async function end(limit: number): Promise<void> {
    if (ending) return;
    ending = true;
    keeper.stop();
    await admin.close();
    await Promise.all([timers.stop(), delivery.stop(), releases.stop(limit - LAST_SHIPMENT - LAST_MOMENT)]);
    suspensions.stop();
    await usage.stop();
    await journal.close();
    await shipper.stop();
    const late = new Promise<void>((resolve) => setTimeout(resolve, LAST_SHIPMENT).unref());
    // What does not arrive in time is in the journals, and goes out after the next start.
    await Promise.race([shipper.drain().catch(() => {}), late]);
    await client.close();
    await forwarder.close();
    await store.close();
    log.flush();
    process.exit(0);
  }

  inbox.listen((message) => {
    if (message.type === 'ended') releases.ended(message.name);
    else if (message.type === 'enforced')
      log.info({ policy_revision: message.revision }, 'policy in force on all workers');
    else if (message.type === 'answers') questions.answered(message);
    else if (message.type === 'drain') void end(message.limit);
  });
  process.on('SIGTERM', () => void end(OWN_DRAIN));
}

runProcess<ToControl>(start, (reason) => tell({ type: 'failed', reason }));
