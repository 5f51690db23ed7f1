import cluster from 'node:cluster';
import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import { startEmbedded } from '../../audit/clickhouse/start-embedded.ts';
import { reserveAddresses, type Listening } from './addresses.ts';
import { tellEndpoint } from './clickhouse-endpoint.ts';
import { processEnvironment, type Config } from '../config/config.ts';
import { awaitOrphans, dataFolder, lockDataFolder } from './data-folder.ts';
import { instanceName } from '../enforce/release/instance.ts';
import { keepRunning, type Kept } from './keep-running.ts';
import type { Answer, ConfigText, FromControl, FromWorker, Question, ToControl, ToWorker } from './messages.ts';

/** How long the engine of a gateway that was killed may take to let go of the data; then the start has failed. */
const ENGINE_PATIENCE = 5_000;
/** From SIGTERM until whoever has not ended is killed. */
const DRAIN_LIMIT = 9_500;
/**
 * Megabytes of one half of V8's young generation. The default of 32 makes a process larger by a third and no faster; with
 * 8 an idle worker has 7 MB more.
 */
const EXEC_ARGV = ['--max-semi-space-size=4'];
/** A worker that is starting or stuck must not keep what the others answer from being heard. */
const ANSWER_LIMIT = 1_000;

/** Where a running gateway is reached. */
export type Addresses = Listening & { readonly clickhouse: ClickHouseAddress };

export type Gateway = Addresses & {
  /** Drains and ends all processes, within 10 s. */
  stop(): Promise<void>;
};

/** Where the processes' log lines go: this process's stdout, or an open file. */
export type Output = 'inherit' | number;

type Worker = {
  readonly process: Kept;
  /** The policy by which its process of now decides. */
  revision: string | null;
  listens: boolean;
};

/**
 * Starts the processes of a gateway and keeps them running: workers (the data plane), control, and the embedded
 * ClickHouse where no server is configured. They are started side by side, and get their orders when what they need is
 * there: workers a policy, control the address of ClickHouse, which calls do not wait for. Resolves when all of it runs.
 * @throws DataInUse, or an Error with what is wrong, when the first start fails or `signal` aborts it; nothing is left
 *   running then
 */
export async function startGateway(
  config: Config,
  text: ConfigText,
  log: Logger,
  { signal, output = 'inherit' }: { readonly signal?: AbortSignal; readonly output?: Output } = {},
): Promise<Gateway> {
  const folder = dataFolder(config.data);
  const unlock = lockDataFolder(config.data);
  awaitOrphans(folder.journals);
  const listening = await reserveAddresses(config).catch((error) => {
    unlock();
    throw error;
  });
  const since = performance.now();
  const ready = Promise.withResolvers<Addresses>();
  let started = false;

  const stdio: StdioOptions = ['ignore', output, output, 'ipc'];
  const env = processEnvironment(folder.compiled);

  const clickhouse = Promise.withResolvers<ClickHouseAddress>();
  let clickhouseAddress: ClickHouseAddress | null = null;
  const policy = Promise.withResolvers<void>();
  let policyRevision: string | null = null;
  let controlListens = false;

  const run = randomUUID();
  /** Names of the processes that may be releasing holds. */
  const alive = new Set<string>();
  let count = 0;

  /** Until everything has run once, what fails is the user's to mend; afterwards it is the supervisor's. */
  function failStart(name: string, reason: string): void {
    if (!started) ready.reject(new Error(`${name}: ${reason}`));
  }

  function onFailed(name: string, reason: string): void {
    if (started) log.error({ child: name, reason }, 'a process could not start');
    failStart(name, reason);
  }

  function progress(): void {
    if (started || !clickhouseAddress || !controlListens || !workers.every(({ listens }) => listens)) return;
    started = true;
    ready.resolve({ ...listening, clickhouse: clickhouseAddress });
  }

  /** Keeps a process that may release holds. Control is told of its end: what it was sending then may have arrived. */
  function keepReleaser(name: string, spawn: (instance: string) => ChildProcess, onEnd = () => {}): Kept {
    let instance = '';
    return keepRunning({
      name,
      async spawn() {
        instance = instanceName(name, ++count, run);
        alive.add(instance);
        return spawn(instance);
      },
      log,
      onEnd(reason) {
        alive.delete(instance);
        control.send({ type: 'ended', name: instance } satisfies ToControl);
        onEnd();
        failStart(name, reason);
      },
    });
  }

  // --- the embedded ClickHouse: comes back on its port with its password, so that nobody has to be told
  function startEngine(): Kept {
    let known: { port: number; password: string } | null = null;
    const analysts = config.reviewers.filter(({ roles }) => roles.includes('analyst'));
    const door = listening.analysts && {
      ...listening.analysts,
      analysts: analysts.map(({ id, token_sha256 }) => ({ id, token_sha256 })),
    };
    return keepRunning({
      name: 'clickhouse',
      async spawn(signal) {
        const { child, url, username, password, port } = await startEmbedded({
          path: folder.clickhouse,
          signal,
          ...(door && { door }),
          ...known,
        });
        known = { port, password };
        await tellEndpoint(folder.clickhouseEndpoint, { url, username, password }).catch((err: unknown) =>
          log.warn({ err }, 'commands cannot be told where ClickHouse is'),
        );
        clickhouse.resolve({ url, username, password });
        return child;
      },
      log,
      onEnd(reason) {
        // A gateway that was killed just now may leave an engine behind that still closes its files.
        if (known || performance.now() - since > ENGINE_PATIENCE) failStart('clickhouse', reason);
      },
    });
  }

  // --- control
  function startControl(): Kept {
    return keepReleaser('control', (instance) => {
      const child = fork(join(import.meta.dirname, 'control.ts'), {
        env,
        execArgv: EXEC_ARGV,
        serialization: 'advanced',
        stdio,
      });
      child.on('message', (message: FromControl) => onControl(message));
      const tell = (message: ToControl) => child.send(message, () => {});
      tell({ type: 'start', config: text, listen: listening, instance, run, alive: [...alive] });
      void clickhouse.promise.then((address) => tell({ type: 'clickhouse', address }));
      return child;
    });
  }

  function onControl(message: FromControl): void {
    if (message.type === 'policy') {
      if (message.revision === policyRevision) return;
      const isFirst = policyRevision === null;
      policyRevision = message.revision;
      if (isFirst) policy.resolve();
      else
        for (const { process } of workers)
          process.send({ type: 'activate', revision: policyRevision } satisfies ToWorker);
    } else if (message.type === 'ask') {
      ask(message.id, message.about);
    } else if (message.type === 'listening') {
      controlListens = true;
      progress();
    } else {
      onFailed('control', message.reason);
    }
  }

  // --- workers
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'worker.ts'),
    execArgv: EXEC_ARGV,
    args: [],
    serialization: 'advanced',
    stdio,
  });

  function startWorker(slot: number): Worker {
    const name = `worker-${slot}`;
    const spawn = (instance: string) => {
      const forked = cluster.fork(env);
      // What cannot be sent to it any more concerns nobody; an unheard error would end this process.
      forked.on('error', () => {});
      const child = forked.process;
      child.on('message', (message: FromWorker) => onWorker(worker, message));
      void policy.promise.then(() => {
        child.send({ type: 'start', config: text, listen: listening, slot, instance } satisfies ToWorker, () => {});
      });
      return child;
    };
    const onEnd = () => {
      worker.revision = null;
      worker.listens = false;
    };
    const worker: Worker = { process: keepReleaser(name, spawn, onEnd), revision: null, listens: false };
    return worker;
  }

  function onWorker(worker: Worker, message: FromWorker): void {
    if (message.type === 'answer') {
      asked.get(message.id)?.(message.answer);
    } else if (message.type === 'activated') {
      worker.revision = message.revision;
      if (workers.every(({ revision }) => revision === policyRevision)) {
        control.send({ type: 'enforced', revision: message.revision } satisfies ToControl);
      }
    } else if (message.type === 'listening') {
      worker.listens = true;
      progress();
    } else {
      onFailed(worker.process.name, message.reason);
    }
  }

  const asked = new Map<number, (answer: Answer) => void>();

  /** Asks every worker, and tells control what they answered. */
  function ask(id: number, about: Question): void {
    const everybody = workers.filter(({ process }) => process.connected);
    const answers: Answer[] = [];
    const done = () => {
      clearTimeout(late);
      asked.delete(id);
      const complete = answers.length === everybody.length;
      control.send({ type: 'answers', id, answers, complete } satisfies ToControl);
    };
    const late = setTimeout(done, ANSWER_LIMIT);
    asked.set(id, (answer) => {
      if (answers.push(answer) === everybody.length) done();
    });
    for (const { process } of everybody) process.send({ type: 'ask', id, about } satisfies ToWorker);
    if (everybody.length === 0) done();
  }

  async function stop(): Promise<void> {
    const everyone = [...workers.map(({ process }) => process), control, ...(engine ? [engine] : [])];
    const until = performance.now() + DRAIN_LIMIT;
    const kill = setTimeout(() => everyone.forEach((process) => process.kill('SIGKILL')), DRAIN_LIMIT);
    const [controlEnded, engineEnded, ...workersEnded] = [
      control,
      engine,
      ...workers.map(({ process }) => process),
    ].map((process) => process?.ended());
    // Calls first, so that control can still ship what they leave behind; the engine last.
    for (const { process } of workers) process.send({ type: 'drain' } satisfies ToWorker);
    await Promise.all(workersEnded);
    control.send({ type: 'drain', limit: until - performance.now() } satisfies ToControl);
    await controlEnded;
    engine?.kill('SIGTERM');
    await engineEnded;
    await rm(folder.clickhouseEndpoint, { force: true }).catch(() => {});
    clearTimeout(kill);
    unlock();
  }

  if (config.clickhouse) clickhouse.resolve(config.clickhouse);
  void clickhouse.promise.then((address) => {
    clickhouseAddress = address;
    progress();
  });
  const engine = config.clickhouse ? null : startEngine();
  const control = startControl();
  const workers = Array.from({ length: config.workers }, (_, slot) => startWorker(slot));
  const interrupt = () => ready.reject(new Error('the start was interrupted'));
  signal?.addEventListener('abort', interrupt);
  if (signal?.aborted) interrupt();
  try {
    return { ...(await ready.promise), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
