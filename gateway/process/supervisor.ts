import cluster from 'node:cluster';
import { fork, type ChildProcess, type StdioOptions } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../../audit/clickhouse/clickhouse.ts';
import { processEnvironment, type Config } from '../config/config.ts';
import { instanceName } from '../enforce/release/instance.ts';
import { reserveAddresses, type Listening } from './addresses.ts';
import { awaitOrphans, dataFolder, lockDataFolder, recordRun } from './data-folder.ts';
import { keepEngine, type KeptEngine } from './keep-engine.ts';
import { keepRunning, type Kept } from './keep-running.ts';
import { createLiveConfig, type LiveConfig } from './live-config.ts';
import type { FromControl, FromWorker, Runs, ToControl, ToWorker } from './messages.ts';
import { createWorkerPoll } from './worker-poll.ts';

/** Milliseconds from SIGTERM until remaining processes are killed. */
const DRAIN_LIMIT = 9_500;
/** Megabytes of a semi-space of V8's young generation. The default makes a process larger. */
const EXEC_ARGV = ['--max-semi-space-size=4'];
/**
 * Under load, a worker has all calls in flight in the young generation, and each collection copies them: a larger one saves
 * 2 to 4 % of its CPU. V8 counts bodies, which are not on its heap, as growth of it: with its usual limit it collects
 * everything again and again. `expose-gc`: see `releaseStartMemory`.
 */
const WORKER_ARGV = ['--max-semi-space-size=16', '--heap-growing-percent=200', '--expose-gc'];

/** The addresses of a running gateway. */
export type Addresses = Listening & { readonly clickhouse: ClickHouseAddress };

export type Gateway = Addresses & {
  /** Reads the configuration again, and the files that it names, without waiting for a saved change. */
  reload(): void;
  /** Drains and ends all processes, within 10 s. */
  stop(): Promise<void>;
};

/** The destination of the processes' log lines: this process's stdout, or an open file. */
export type Output = 'inherit' | number;

/**
 * Starts the processes of a gateway and keeps them running: workers (the data plane), control, and the embedded
 * ClickHouse if no server is configured. Resolves when all of them run.
 *
 * The processes start in parallel. Workers wait for a policy, and control waits for the address of ClickHouse. Calls do
 * not wait for ClickHouse.
 * @throws DataInUse, or an Error for the operator, if the first start fails or `signal` aborts it; no process is left
 *   running
 */
export async function startGateway(
  config: Config,
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
  const run = randomUUID();
  const runs = { run, earlier: recordRun(folder.run, run) };
  const supervisor = new Supervisor(config, listening, runs, output, log);
  const interrupt = () => supervisor.interrupt();
  signal?.addEventListener('abort', interrupt);
  if (signal?.aborted) interrupt();
  const stop = async () => {
    await supervisor.stop();
    await rm(folder.clickhouseEndpoint, { force: true }).catch(() => {});
    unlock();
  };
  try {
    return { ...(await supervisor.ready), reload: () => supervisor.reload(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Worker = {
  readonly process: Kept;
  /** The policy revision that the current process enforces. */
  revision: string | null;
  /** The reading of the configuration under which it serves calls; null before it serves any. */
  configured: number | null;
  listens: boolean;
};

class Supervisor {
  readonly #config: LiveConfig;
  readonly #listening: Listening;
  readonly #log: Logger;
  readonly #stdio: StdioOptions;
  readonly #env: NodeJS.ProcessEnv;
  readonly #ready = Promise.withResolvers<Addresses>();
  #started = false;

  readonly #clickhouse = Promise.withResolvers<ClickHouseAddress>();
  #clickhouseAddress: ClickHouseAddress | null = null;
  readonly #policy = Promise.withResolvers<void>();
  #policyRevision: string | null = null;
  #controlListens = false;

  readonly #runs: Runs;
  /** Names of the processes that may be releasing holds. */
  readonly #alive = new Set<string>();
  #instances = 0;

  readonly #engine: KeptEngine | null;
  readonly #control: Kept;
  readonly #workers: readonly Worker[];
  readonly #poll = createWorkerPoll(
    () => this.#workers.map(({ process }) => process),
    (message) => this.#control.send(message),
  );

  constructor(config: Config, listening: Listening, runs: Runs, output: Output, log: Logger) {
    this.#runs = runs;
    this.#listening = listening;
    this.#log = log;
    this.#config = this.#keepConfig(config);
    this.#stdio = ['ignore', output, output, 'ipc'];
    this.#env = processEnvironment(dataFolder(config.data).compiled);
    if (config.clickhouse) this.#clickhouse.resolve(config.clickhouse);
    void this.#clickhouse.promise.then((address) => {
      this.#clickhouseAddress = address;
      this.#progress();
    });
    this.#engine = config.clickhouse ? null : this.#keepEngine();
    this.#control = this.#keepControl();
    cluster.setupPrimary({
      exec: join(import.meta.dirname, 'worker.ts'),
      execArgv: WORKER_ARGV,
      args: [],
      serialization: 'advanced',
      stdio: this.#stdio,
    });
    this.#workers = Array.from({ length: config.workers }, (_, slot) => this.#keepWorker(slot));
  }

  /** Resolves when every process runs; rejects if the first start fails. */
  get ready(): Promise<Addresses> {
    return this.#ready.promise;
  }

  interrupt(): void {
    this.#ready.reject(new Error('the start was interrupted'));
  }

  reload(): void {
    this.#config.read('signal');
  }

  async stop(): Promise<void> {
    this.#config.stop();
    const workers = this.#workers.map(({ process }) => process);
    const all = [...workers, this.#control, ...(this.#engine ? [this.#engine] : [])];
    const until = performance.now() + DRAIN_LIMIT;
    const kill = setTimeout(() => all.forEach((process) => process.kill('SIGKILL')), DRAIN_LIMIT);
    const controlEnded = this.#control.ended();
    const engineEnded = this.#engine?.ended();
    const workersEnded = workers.map((worker) => worker.ended());
    // Workers first, so that control can ship their last events; the engine last.
    for (const worker of workers) worker.send({ type: 'drain' } satisfies ToWorker);
    await Promise.all(workersEnded);
    this.#control.send({ type: 'drain', limit: until - performance.now() } satisfies ToControl);
    await controlEnded;
    this.#engine?.kill('SIGTERM');
    await engineEnded;
    clearTimeout(kill);
  }

  /** Fails the start, until every process has run once. Later failures are met by restarts. */
  #failStart(name: string, reason: string): void {
    if (!this.#started) this.#ready.reject(new Error(`${name}: ${reason}`));
  }

  #onFailed(name: string, reason: string): void {
    if (this.#started) this.#log.error({ child: name, reason }, 'a process could not start');
    this.#failStart(name, reason);
  }

  #progress(): void {
    if (this.#started || !this.#clickhouseAddress || !this.#controlListens) return;
    if (!this.#workers.every(({ listens }) => listens)) return;
    this.#started = true;
    this.#ready.resolve({ ...this.#listening, clickhouse: this.#clickhouseAddress });
  }

  #keepConfig(config: Config): LiveConfig {
    return createLiveConfig({
      config,
      log: this.#log,
      tellWorkers: (message) => this.#workers?.forEach(({ process }) => process.send(message)),
      tellControl: (message) => this.#control?.send(message),
      changed: (changed) => {
        this.#log.level = changed.log;
        this.#engine?.tellAnalysts();
      },
    });
  }

  #keepEngine(): KeptEngine {
    return keepEngine({
      config: () => this.#config.current,
      listening: this.#listening,
      folder: dataFolder(this.#config.current.data),
      log: this.#log,
      onAddress: (address) => this.#clickhouse.resolve(address),
    });
  }

  /** Keeps a process that may release holds. Control is told when it ends, as its unfinished calls may have arrived. */
  #keepReleaser(name: string, spawn: (instance: string) => ChildProcess, onEnd = () => {}): Kept {
    let instance = '';
    return keepRunning({
      name,
      spawn: async () => {
        instance = instanceName(name, ++this.#instances, this.#runs.run);
        this.#alive.add(instance);
        return spawn(instance);
      },
      log: this.#log,
      onEnd: (reason) => {
        this.#alive.delete(instance);
        this.#control.send({ type: 'ended', name: instance } satisfies ToControl);
        onEnd();
        this.#failStart(name, reason);
      },
    });
  }

  #keepControl(): Kept {
    return this.#keepReleaser('control', (instance) => {
      const child = fork(join(import.meta.dirname, 'control.ts'), {
        env: this.#env,
        execArgv: EXEC_ARGV,
        serialization: 'advanced',
        stdio: this.#stdio,
      });
      child.on('message', (message: FromControl) => this.#onControl(message));
      const tell = (message: ToControl) => child.send(message, () => {});
      const start = { ...this.#config.forControl, listen: this.#listening, instance, runs: this.#runs };
      tell({ type: 'start', ...start, alive: [...this.#alive] });
      void this.#clickhouse.promise.then((address) => tell({ type: 'clickhouse', address }));
      return child;
    });
  }

  #onControl(message: FromControl): void {
    if (message.type === 'policy') {
      if (message.revision === this.#policyRevision) return;
      const isFirst = this.#policyRevision === null;
      this.#policyRevision = message.revision;
      if (isFirst) this.#policy.resolve();
      else this.#activate(message.revision);
    } else if (message.type === 'ask') {
      this.#poll.ask(message.id, message.about);
    } else if (message.type === 'noted') {
      this.#config.noted(message.number);
    } else if (message.type === 'listening') {
      this.#controlListens = true;
      this.#tellConfigured();
      this.#progress();
    } else {
      this.#onFailed('control', message.reason);
    }
  }

  #activate(revision: string): void {
    for (const { process } of this.#workers) process.send({ type: 'activate', revision } satisfies ToWorker);
  }

  #keepWorker(slot: number): Worker {
    const spawn = (instance: string) => {
      const forked = cluster.fork(this.#env);
      // A message to an ended worker may be lost. Without a listener, the error would end this process.
      forked.on('error', () => {});
      const child = forked.process;
      child.on('message', (message: FromWorker) => this.#onWorker(worker, message));
      void this.#policy.promise.then(() => {
        const start = { ...this.#config.forWorker, listen: this.#listening, slot, instance };
        child.send({ type: 'start', ...start } satisfies ToWorker, () => {});
      });
      return child;
    };
    const onEnd = () => {
      worker.revision = null;
      worker.configured = null;
      worker.listens = false;
    };
    const process = this.#keepReleaser(`worker-${slot}`, spawn, onEnd);
    const worker: Worker = { process, revision: null, configured: null, listens: false };
    return worker;
  }

  /** Tells control once every worker serves calls under the configuration in force. A worker that starts will. */
  #tellConfigured(): void {
    const { number } = this.#config;
    if (this.#workers.some(({ configured }) => configured !== null && configured < number)) return;
    this.#control.send({ type: 'configured', number } satisfies ToControl);
  }

  #onWorker(worker: Worker, message: FromWorker): void {
    if (message.type === 'answer') {
      this.#poll.answered(message.id, message.answer);
    } else if (message.type === 'client-left' || message.type === 'request-cancelled') {
      for (const other of this.#workers) if (other !== worker) other.process.send(message satisfies ToWorker);
    } else if (message.type === 'activated') {
      worker.revision = message.revision;
      if (this.#workers.every(({ revision }) => revision === this.#policyRevision)) {
        this.#control.send({ type: 'enforced', revision: message.revision } satisfies ToControl);
      }
    } else if (message.type === 'configured') {
      worker.configured = message.number;
      this.#tellConfigured();
    } else if (message.type === 'listening') {
      worker.listens = true;
      this.#progress();
    } else {
      this.#onFailed(worker.process.name, message.reason);
    }
  }
}
