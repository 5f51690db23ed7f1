import { join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { CONSOLE_FILES, isConsoleBuilt } from '../../admin/console-files.ts';
import { registerHoldMetrics } from '../../admin/metrics.ts';
import { registerJournalMetrics } from '../../audit/journal/journal-metrics.ts';
import { openJournal } from '../../audit/journal/journal.ts';
import { loadOrCreateLedgerKey } from '../../audit/ledger/ledger-key.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { createEnforcement } from '../agents/enforcement.ts';
import { listenOn } from '../agents/listen.ts';
import { keepUnchanged } from '../config/changes.ts';
import { unlessAway } from '../enforce/release/releases.ts';
import { createPasses } from '../identify/passes.ts';
import { createSignInLinks } from '../identify/sign-in-links.ts';
import { tokenHashesOf } from '../identify/token.ts';
import { createAdmin } from './control/admin.ts';
import { createConfiguration } from './control/configuration.ts';
import { createHoldWork } from './control/hold-work.ts';
import { createPolicy } from './control/policy.ts';
import { createRecordStep } from './control/record-step.ts';
import { LAST_SHIPMENT, startShipping } from './control/shipping.ts';
import { dataFolder, lockFolder, ORPHAN_PATIENCE } from './data-folder.ts';
import { createLog } from './log.ts';
import type { FromControl, ToControl } from './messages.ts';
import { composeFor, openStore, storeKey } from './open-store.ts';
import { unpackConfig } from './packed-config.ts';
import { createQuestions } from './questions.ts';
import { runProcess, type Inbox } from './run-process.ts';

/** How long control may take to end if the supervisor sets no limit, in milliseconds. */
const OWN_DRAIN = 8_000;
/** Milliseconds kept for everything but releases and the last shipment. */
const LAST_MOMENT = 500;

const tell = (message: FromControl) => process.send?.(message, undefined, undefined, () => {});

/** Everything but the data plane: policy, admin API, hold timers, releases for callers that left, and shipping. */
async function start(
  { config: packed, configuredAt, latest, news, listen, instance, runs, alive }: ToControl & { type: 'start' },
  inbox: Inbox<ToControl>,
): Promise<void> {
  const config = unpackConfig(packed);
  let inForce = config;
  const folder = dataFolder(config.data);
  const log = createLog('control', config.log);
  const clock = Date.now;

  lockFolder(join(folder.journals, 'control'), ORPHAN_PATIENCE);
  const key = await storeKey(config, folder);
  const passes = createPasses(key, clock);
  const store = await openStore(config, folder, key, listen.admin, clock);
  const signer = createSigner(await loadOrCreateLedgerKey(folder.ledgerKey));
  const journal = await openJournal({
    dir: join(folder.journals, 'control'),
    node: config.node,
    signer,
    limit: config.journal.limit,
    whenFull: config.journal.when_full,
    clock,
    onError: (err, lost) =>
      log.error({ err, lost_events: lost }, 'the journal of the control process cannot be written'),
  });
  const record = createRecordStep(journal, config.node, log, clock);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdpoint_control_' });
  registerJournalMetrics(registry, 'control', () => journal.status());
  registerHoldMetrics(registry, () => store.counts());
  const shared = { store, registry, log, clock, record };

  const { decider, keeper } = createPolicy({
    ...shared,
    config: () => inForce,
    bundles: folder.policy,
    activated: (revision) => tell({ type: 'policy', revision }),
  });
  const enforcement = createEnforcement({
    ...shared,
    systems: config.systems,
    agents: config.agents,
    public_url: config.public_url,
    policy: decider,
    passes,
    attemptedBy: instance,
    usageFailed: (err) => unlessAway(err, () => log.warn({ err }, 'usage counts could not be shared')),
  });
  const holdWork = createHoldWork({ ...shared, config, enforcement, instance, runs, alive });
  await Promise.all([holdWork.releases.live(), store.suspensions.refresh()]);
  // The first policy starts the workers. They do not wait for ClickHouse.
  await keeper.start();
  const { address: clickhouse } = await inbox.take('clickhouse');
  enforcement.usage.start();
  holdWork.start();

  const shipping = await startShipping({ ...shared, config, clickhouse, journals: folder.journals, signer });
  const configuration = createConfiguration({
    since: configuredAt,
    latest,
    apply(saved) {
      inForce = { ...saved, systems: keepUnchanged(saved.systems, inForce.systems) };
      store.configure({ reviewers: saved.reviewers, compose: composeFor(saved, listen.admin) });
      enforcement.configure(inForce);
      holdWork.configure(saved);
      shipping.configure(saved);
      log.level = saved.log;
      void keeper.judgeAgain();
    },
    suspensions: store.suspensions,
    revokeSessions: (reviewer, reason) =>
      store.sessions.revoke(reviewer, tokenHashesOf(inForce.reviewers, reviewer), reason),
    noted: (number) => tell({ type: 'noted', number }),
    record,
    registry,
    log,
  });
  for (const earlier of news) configuration.take(earlier.refused ? null : config, earlier);
  const questions = createQuestions(tell);
  const admin = await createAdmin({
    ...shared,
    config: () => inForce,
    configuration,
    address: listen.admin,
    links: createSignInLinks(key, clock),
    enforcement,
    decider,
    keeper,
    questions,
    looked: holdWork.looked,
    isStoreHealthy: () => holdWork.releases.healthy,
    isClickHouseReady: () => shipping.isPrepared,
    client: shipping.client,
    journals: folder.journals,
  });
  await admin.ready();
  await listenOn(admin.server, listen.admin);
  if (!isConsoleBuilt(CONSOLE_FILES)) log.warn('the console is not built: run "npm run build:console"');
  tell({ type: 'listening' });

  let ending = false;
  async function end(limit: number): Promise<void> {
    if (ending) return;
    ending = true;
    keeper.stop();
    await admin.close();
    await holdWork.stop(limit - LAST_SHIPMENT - LAST_MOMENT);
    enforcement.suspensions.stop();
    await enforcement.usage.stop();
    await journal.close();
    await shipping.stop();
    await enforcement.forwarder.close();
    await store.close();
    log.flush();
    process.exit(0);
  }

  inbox.listen((message) => {
    if (message.type === 'ended') holdWork.releases.ended(message.name);
    else if (message.type === 'configure')
      configuration.take(message.config && unpackConfig(message.config), message.news);
    else if (message.type === 'configured') configuration.inForce(message.number);
    else if (message.type === 'enforced')
      log.info({ policy_revision: message.revision }, 'policy in force on all workers');
    else if (message.type === 'answers') questions.answered(message);
    else if (message.type === 'drain') void end(message.limit);
  });
  process.on('SIGTERM', () => void end(OWN_DRAIN));
}

runProcess<ToControl>(start, (reason) => tell({ type: 'failed', reason }));
