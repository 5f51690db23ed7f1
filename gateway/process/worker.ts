import { join } from 'node:path';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { registerJournalMetrics } from '../../audit/journal/journal-metrics.ts';
import { openJournal } from '../../audit/journal/journal.ts';
import { loadOrCreateLedgerKey } from '../../audit/ledger/ledger-key.ts';
import { createSigner } from '../../audit/ledger/ledger.ts';
import { keepUnchanged } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import { dataFolder, lockFolder, ORPHAN_PATIENCE } from './data-folder.ts';
import { createBundleStore } from '../decide/bundle-store.ts';
import { createDecider } from '../decide/decider.ts';
import { createEvaluatorMeanwhile } from '../decide/evaluator.ts';
import { createPasses } from '../identify/passes.ts';
import { createCanonicalLine } from '../record/canonical-line.ts';
import { createLog, createLogDestination } from './log.ts';
import { runProcess, type Inbox } from './run-process.ts';
import type { Answer, FromWorker, ProcessMetrics, Question, ToWorker } from './messages.ts';
import { releaseStartMemory } from './start-memory.ts';
import { composeFor, openStore, storeKey } from './open-store.ts';
import { unpackConfig } from './packed-config.ts';
import { buildServer } from '../agents/server.ts';

/** Milliseconds for running calls to end when the gateway stops. */
const DRAIN_LIMIT = 7_000;

const tell = (message: FromWorker) => process.send?.(message, undefined, undefined, () => {});

/** A worker of the data plane: it serves calls and does not depend on ClickHouse. */
async function start(
  { config: packed, number, listen, slot, instance }: ToWorker & { type: 'start' },
  inbox: Inbox<ToWorker>,
): Promise<void> {
  const name = `worker-${slot}`;
  const config = unpackConfig(packed);
  const folder = dataFolder(config.data);
  const destination = createLogDestination();
  const log = createLog(name, config.log, destination);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'holdpoint_worker_' });
  const clock = Date.now;

  lockFolder(join(folder.journals, name), ORPHAN_PATIENCE);
  const key = await storeKey(config, folder);
  const passes = createPasses(key, clock);
  const store = await openStore(config, folder, key, listen.admin, clock);
  const journal = await openJournal({
    dir: join(folder.journals, name),
    node: config.node,
    signer: createSigner(await loadOrCreateLedgerKey(folder.ledgerKey)),
    limit: config.journal.limit,
    whenFull: config.journal.when_full,
    clock,
    onError: (err, lost) =>
      log.error({ err, lost_events: lost }, 'the journal cannot be written; calls are refused until it can'),
  });
  registerJournalMetrics(registry, name, () => journal.status());

  const bundles = createBundleStore(folder.policy);
  const decider = createDecider();

  /** Loads a policy and then swaps it in at once. Calls that are judged meanwhile see the old one. */
  async function load(revision: string, isFirst = false): Promise<void> {
    const evaluator = await createEvaluatorMeanwhile(await bundles.read(revision), { clock });
    // A later policy takes over at once: only its module is new, and the first calls pay less for that than for the wait.
    if (isFirst) await evaluator.warm();
    decider.swap(evaluator);
    server.policyChanged();
    log.info({ policy_revision: revision }, 'policy in force');
    tell({ type: 'activated', revision });
  }

  const addressed = ({ systems }: Config): Config['systems'] =>
    systems.map((system) => ({ ...system, address: listen.systems[system.name] ?? null }));
  let systems = addressed(config);
  const server = buildServer({
    listen: listen.agents,
    headLimit: config.head_limit,
    systems,
    agents: config.agents,
    reviewers: config.reviewers,
    public_url: config.public_url,
    node: config.node,
    attemptedBy: instance,
    // The file of a gateway's own store is open to its processes alone, and control holds no calls.
    alone: config.workers === 1 && config.store === undefined,
    policy: decider,
    passes,
    store,
    journal,
    log,
    logCall: createCanonicalLine(log, destination),
    registry,
    clock,
    clientLeft: (client, after) => tell({ type: 'client-left', client, after }),
    requestCancelled: (request) => tell({ type: 'request-cancelled', request }),
    notReady: () => (decider.revision() === null ? 'no policy is loaded yet' : null),
  });

  function configure(next: Config, reading: number): void {
    systems = keepUnchanged(addressed(next), systems);
    store.configure({ reviewers: next.reviewers, compose: composeFor(next, listen.admin) });
    server.configure({ ...next, systems });
    log.level = next.log;
    tell({ type: 'configured', number: reading });
  }

  let ending = false;
  async function end(): Promise<void> {
    if (ending) return;
    ending = true;
    await server.drain(DRAIN_LIMIT);
    await journal.close();
    await store.close();
    log.flush();
    process.exit(0);
  }

  process.on('SIGTERM', () => void end());

  const active = await bundles.active();
  if (active === null) throw new Error('no policy has been activated');
  await load(active, true);
  releaseStartMemory();
  await server.listen();
  tell({ type: 'configured', number });
  tell({ type: 'listening' });

  // Loads run one after another: of two in quick succession, the later one must be in force in the end.
  let loading = Promise.resolve();
  function activate(revision: string): void {
    loading = loading
      .then(() => load(revision))
      .catch((err) =>
        log.error({ err, policy_revision: revision }, 'the policy could not be loaded; the old one stays in force'),
      );
  }

  async function answer(about: Question): Promise<Answer> {
    if (about === 'metrics') return { metrics: (await registry.getMetricsAsJSON()) as ProcessMetrics };
    if (about === 'in-flight') return { inFlight: server.inFlight() };
    await store.suspensions.refresh();
    return { suspensions: 'known' };
  }

  inbox.listen((message) => {
    if (message.type === 'activate') {
      activate(message.revision);
    } else if (message.type === 'configure') {
      try {
        configure(unpackConfig(message.config), message.number);
      } catch (err) {
        log.error({ err }, 'the configuration could not be applied; the old one stays in force here');
      }
    } else if (message.type === 'ask') {
      const { id, about } = message;
      // A worker that fails sends no answer, so control knows that its answers are incomplete.
      answer(about).then(
        (answer) => tell({ type: 'answer', id, answer }),
        (err) => log.error({ err, about }, "control's question could not be answered"),
      );
    } else if (message.type === 'client-left') {
      server.clientLeft(message.client, message.after);
    } else if (message.type === 'request-cancelled') {
      server.requestCancelled(message.request);
    } else if (message.type === 'drain') {
      void end();
    }
  });
}

runProcess<ToWorker>(start, (reason) => tell({ type: 'failed', reason }));
