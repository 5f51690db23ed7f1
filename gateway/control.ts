import { join } from 'node:path';
import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { registerHoldMetrics } from '../admin/metrics.ts';
import { buildAdmin } from '../admin/server.ts';
import { createCallLog } from '../audit/call-log.ts';
import { connectClickHouse } from '../audit/clickhouse.ts';
import { openJournal } from '../audit/journal.ts';
import { createOutboxSource } from '../audit/outbox-source.ts';
import { createShipper } from '../audit/shipper.ts';
import { createPolicyKeeper } from '../policies/keeper.ts';
import { findOpa } from '../policies/opa.ts';
import { listenOn } from './addresses.ts';
import { parseConfig, toolEnvironment } from './config.ts';
import { dataFolder, lockFolder, ORPHAN_PATIENCE } from './data-folder.ts';
import { createBundleStore } from './decide/bundle-store.ts';
import { createDecider } from './decide/decider.ts';
import { createEvaluator } from './decide/evaluator.ts';
import type { EventType } from './domain/event.ts';
import { createId } from './domain/id.ts';
import { createForwarder } from './enforce/forwarder.ts';
import { blockUnmetObligations } from './enforce/obligations.ts';
import { createRelease } from './enforce/release.ts';
import { abandonReleases, createHandleReleases } from './enforce/release-handles.ts';
import { loadOrCreateKey } from './holds/key-file.ts';
import { transition } from './holds/machine.ts';
import { openHoldStore } from './holds/store.ts';
import { createHoldTimers } from './holds/timers.ts';
import { createGrants, createReviewerDirectory } from './identify/token.ts';
import { hadEnded } from './instance.ts';
import { createLog } from './log.ts';
import { runProcess, type Inbox } from './run-process.ts';
import type { FromControl, ProcessMetrics, ToControl } from './messages.ts';
import { createDigest } from './server.ts';

/** Milliseconds between looks for holds whose time has come. */
const TIMER_INTERVAL = 500;
/** How long the last events may take to reach ClickHouse when the gateway stops; the journal keeps the rest. */
const LAST_SHIPMENT = 1_000;

const tell = (message: FromControl) => process.send?.(message, undefined, undefined, () => {});

/** Everything beside the data plane: policy, people, timers, releases for callers who left, and shipping the record. */
async function start(
  { config: { file, text }, listen, clickhouse, instance, alive }: ToControl & { type: 'start' },
  inbox: Inbox<ToControl>,
): Promise<void> {
  const config = parseConfig(text, file);
  const { node } = config;
  const folder = dataFolder(config.data);
  const log = createLog('control', config.log);
  const clock = Date.now;

  const key = await loadOrCreateKey(folder.holdKey);
  lockFolder(join(folder.journals, 'control'), ORPHAN_PATIENCE);
  const store = await openHoldStore({ file: folder.holds, key, node, clock });
  const abandon = async (ended: (name: string) => boolean) => {
    const holds = await abandonReleases(store, ended);
    if (holds > 0) log.warn({ holds }, 'calls were being released by a process that ended; their outcome is unknown');
  };
  await abandon((name) => hadEnded(name, instance, alive));

  const journal = await openJournal({
    dir: join(folder.journals, 'control'),
    limit: config.journal.limit,
    clock,
    onError: (err, lost) => log.error({ err, lost_events: lost }, 'the journal of control cannot be written'),
    onDamage: (damage) => log.warn({ damage }, 'the journal of an earlier run was cut where it was torn'),
  });
  /** Never throws: a policy that blocks must come into force although the journal is full. */
  function record(type: EventType, fields: { policy_revision?: string; reason?: string }): void {
    const event_id = createId('evt');
    try {
      journal.append({ event_id, at: clock(), node, type, layer: 'decide', actor_kind: 'gateway', ...fields });
    } catch (err) {
      log.error({ err, type, ...fields }, 'a change of policy could not be recorded');
    }
  }

  // --- policy: compiled, checked and put in force here; workers are told when it is on disk
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdpoint_control_' });
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
      record('policy.refused', { reason: reasons.join('\n') });
      log.error({ reasons }, 'the policy folder holds a policy that cannot be used; the old one stays in force');
    },
    clock,
  });
  await keeper.start();

  // --- holds: timers, and releases for callers who hold a handle
  const timers = createHoldTimers({
    store,
    clock,
    interval: TIMER_INTERVAL,
    failed: (err) => log.error({ err }, 'holds that are due could not be settled; they are tried again'),
  });
  const forwarder = createForwarder(config.systems);
  const release = createRelease({
    store,
    decide: (input) => blockUnmetObligations(decider.decide(input)),
    forwarder,
    digest: createDigest(new Map(config.systems.map((system) => [system.name, system]))),
    isGranted: createGrants(config.agents),
    by: instance,
  });
  const handles = createHandleReleases({
    store,
    release,
    failed: (err, hold) =>
      log.error({ err, hold_id: hold?.id }, 'an approved call could not be released; it is tried again'),
  });
  timers.start();
  handles.start();

  // --- the record on its way to ClickHouse
  const client = connectClickHouse(clickhouse);
  const shipper = await createShipper({
    dir: folder.journals,
    client,
    sources: [createOutboxSource({ name: 'holds-outbox', outbox: store.outbox })],
    clock,
    onReport: ({ type, ...report }) =>
      type === 'resumed'
        ? log.info(report, 'events reach ClickHouse again')
        : log.warn({ report: type, ...report }, 'events do not reach ClickHouse as they should'),
  });
  new Gauge({
    name: 'holdpoint_journal_behind_bytes',
    help: 'Bytes of events on disk that ClickHouse does not have yet, by journal',
    labelNames: ['source'],
    registers: [registry],
    async collect() {
      for (const { name, behind } of (await shipper.status()).sources) this.set({ source: name }, behind.bytes ?? 0);
    },
  });
  shipper.start();

  // --- the admin listener
  const metricsAsked = new Map<number, (workers: readonly ProcessMetrics[]) => void>();
  let asked = 0;
  async function renderMetrics(): Promise<string> {
    const workers = await new Promise<readonly ProcessMetrics[]>((resolve) => {
      asked += 1;
      metricsAsked.set(asked, resolve);
      tell({ type: 'metrics', id: asked });
    });
    const own = await registry.getMetricsAsJSON();
    return AggregatorRegistry.aggregate([...workers, own] as object[]).metrics();
  }

  const admin = buildAdmin({
    holds: store,
    transition,
    calls: createCallLog(client),
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
      evaluate: (input) => blockUnmetObligations(decider.decide(JSON.stringify(input))),
    },
    authenticate: createReviewerDirectory(config.reviewers),
    metrics: { contentType: registry.contentType, render: renderMetrics },
    readiness: () => ({
      ready: decider.revision() !== null,
      checks: { policy: keeper.status().refused ? 'in force; a newer one was refused' : 'ok', holds: 'ok' },
    }),
    log,
    clock,
  });
  await admin.ready();
  await listenOn(admin.server, listen.admin);
  tell({ type: 'listening' });

  let ending = false;
  async function end(): Promise<void> {
    if (ending) return;
    ending = true;
    keeper.stop();
    await admin.close();
    await timers.stop();
    await handles.stop();
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
    if (message.type === 'ended')
      abandon((name) => name === message.name).catch((err) =>
        log.error({ err }, 'an ended worker’s releases could not be settled'),
      );
    else if (message.type === 'enforced')
      log.info({ policy_revision: message.revision }, 'policy in force on all workers');
    else if (message.type === 'metrics') {
      metricsAsked.get(message.id)?.(message.workers);
      metricsAsked.delete(message.id);
    } else if (message.type === 'drain') void end();
  });
  process.on('SIGTERM', () => void end());
}

runProcess<ToControl>(start, (reason) => tell({ type: 'failed', reason }));
