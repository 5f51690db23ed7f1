import cluster from 'node:cluster';
import { fork, type StdioOptions } from 'node:child_process';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { ClickHouseAddress } from '../audit/clickhouse.ts';
import { startEmbedded } from '../audit/start-embedded.ts';
import type { Address, Config } from './config.ts';
import { dataFolder, lockDataFolder } from './data-folder.ts';
import { keepRunning, type Kept } from './keep-running.ts';
import type { ConfigText, FromControl, FromWorker, ProcessMetrics, ToControl, ToWorker } from './messages.ts';

/** From SIGTERM until whoever has not ended is killed. */
const DRAIN_LIMIT = 9_500;
/** A worker that is starting or stuck must not keep the others' numbers from being read. */
const METRICS_LIMIT = 1_000;

/** Where a running gateway is reached. */
export type Addresses = {
  readonly agents: Address;
  /** Those of the systems that have their own. */
  readonly systems: Readonly<Record<string, Address>>;
  readonly admin: Address;
  readonly clickhouse: ClickHouseAddress;
};

export type Gateway = Addresses & {
  /** Drains and ends all processes, within 10 s. */
  stop(): Promise<void>;
};

/** Where the processes' log lines go: this process's stdout, or an open file. */
export type Output = 'inherit' | number;

type Worker = {
  readonly process: Kept;
  /** The name under which the process of now releases holds. */
  instance: string | null;
  revision: string | null;
};

/**
 * Starts the processes of a gateway and keeps them running: workers (the data plane), control, and the embedded
 * ClickHouse where no server is configured. Resolves when calls are served.
 * @throws DataInUse, or an Error with what is wrong, when the first start fails; nothing is left running then
 */
export async function startGateway(
  config: Config,
  text: ConfigText,
  log: Logger,
  output: Output = 'inherit',
): Promise<Gateway> {
  const folder = dataFolder(config.data);
  const unlock = lockDataFolder(config.data);
  const ready = Promise.withResolvers<Addresses>();
  let started = false;

  const stdio: StdioOptions = ['ignore', output, output, 'ipc'];

  const workers: Worker[] = [];
  let policyRevision: string | null = null;
  let agents: Pick<Addresses, 'agents' | 'systems'> | null = null;
  let admin: Address | null = null;

  /** Until everything has run once, what fails is the user's to mend; afterwards it is the supervisor's. */
  function failStart(name: string, reason: string): void {
    if (!started) ready.reject(new Error(`${name}: ${reason}`));
  }

  function progress(): void {
    if (started || !agents || !admin || workers.some(({ revision }) => revision === null)) return;
    started = true;
    ready.resolve({ ...agents, admin, clickhouse: engine.address });
  }

  function keep(name: string, spawn: Parameters<typeof keepRunning>[0]['spawn'], onEnd = () => {}): Kept {
    return keepRunning({
      name,
      spawn,
      log,
      onEnd: (reason) => {
        onEnd();
        failStart(name, reason);
      },
    });
  }

  // --- the embedded ClickHouse: comes back on its port with its password, so that nobody has to be told
  async function startEngine(): Promise<{ address: ClickHouseAddress; process: Kept | null }> {
    if (config.clickhouse) return { address: config.clickhouse, process: null };
    const first = await startEmbedded({ path: folder.clickhouse });
    const { url, username, password, port } = first;
    let next: Promise<typeof first> | null = Promise.resolve(first);
    const spawn = async () => {
      const embedded = await (next ?? startEmbedded({ path: folder.clickhouse, port, password }));
      next = null;
      return embedded.child;
    };
    return { address: { url, username, password }, process: keep('clickhouse', spawn) };
  }

  // --- control
  function startControl(): Kept {
    return keep('control', async () => {
      const child = fork(join(import.meta.dirname, 'control.ts'), { serialization: 'advanced', stdio });
      child.on('message', (message: FromControl) => onControl(message));
      const alive = workers.flatMap(({ instance }) => instance ?? []);
      child.send({ type: 'start', config: text, clickhouse: engine.address, alive } satisfies ToControl);
      return child;
    });
  }

  function onControl(message: FromControl): void {
    if (message.type === 'policy') {
      policyRevision = message.revision;
      for (const { process } of workers)
        process.send({ type: 'activate', revision: policyRevision } satisfies ToWorker);
      while (workers.length < config.workers) workers.push(startWorker(workers.length));
    } else if (message.type === 'metrics') {
      collectMetrics(message.id);
    } else if (message.type === 'listening') {
      admin = message.admin;
      progress();
    } else {
      failStart('control', message.reason);
    }
  }

  // --- workers
  cluster.setupPrimary({ exec: join(import.meta.dirname, 'worker.ts'), args: [], serialization: 'advanced', stdio });

  function startWorker(slot: number): Worker {
    const spawn = async () => {
      const child = cluster.fork().process;
      child.on('message', (message: FromWorker) => onWorker(worker, message));
      child.send({ type: 'start', config: text, slot } satisfies ToWorker);
      return child;
    };
    const onEnd = () => {
      if (worker.instance) control.send({ type: 'ended', name: worker.instance } satisfies ToControl);
      worker.instance = null;
      worker.revision = null;
    };
    const worker: Worker = { process: keep(`worker-${slot}`, spawn, onEnd), instance: null, revision: null };
    return worker;
  }

  function onWorker(worker: Worker, message: FromWorker): void {
    if (message.type === 'metrics') {
      metricsAsked.get(message.id)?.(message.metrics);
    } else if (message.type === 'hello') {
      worker.instance = message.name;
    } else if (message.type === 'activated') {
      worker.revision = message.revision;
      if (workers.every(({ revision }) => revision === policyRevision)) {
        control.send({ type: 'enforced', revision: message.revision } satisfies ToControl);
      }
      progress();
    } else if (message.type === 'listening') {
      agents = { agents: message.agents, systems: message.systems };
      progress();
    } else {
      failStart(worker.process.name, message.reason);
    }
  }

  const metricsAsked = new Map<number, (answer: ProcessMetrics) => void>();

  function collectMetrics(id: number): void {
    const asked = workers.filter(({ process }) => process.connected);
    const answers: ProcessMetrics[] = [];
    const done = () => {
      clearTimeout(late);
      metricsAsked.delete(id);
      control.send({ type: 'metrics', id, workers: answers } satisfies ToControl);
    };
    const late = setTimeout(done, METRICS_LIMIT);
    metricsAsked.set(id, (answer) => {
      if (answers.push(answer) === asked.length) done();
    });
    for (const { process } of asked) process.send({ type: 'metrics', id } satisfies ToWorker);
    if (asked.length === 0) done();
  }

  async function stop(): Promise<void> {
    const everyone = [...workers.map(({ process }) => process), control, ...(engine.process ? [engine.process] : [])];
    const kill = setTimeout(() => everyone.forEach((process) => process.kill('SIGKILL')), DRAIN_LIMIT);
    const end = async (process: Kept) => {
      process.send({ type: 'drain' });
      await process.ended();
    };
    // Calls first, so that control can still ship what they leave behind; the engine last.
    await Promise.all(workers.map(({ process }) => end(process)));
    await end(control);
    const engineEnded = engine.process?.ended();
    engine.process?.kill('SIGTERM');
    await engineEnded;
    clearTimeout(kill);
    unlock();
  }

  let engine: Awaited<ReturnType<typeof startEngine>>;
  try {
    engine = await startEngine();
  } catch (error) {
    unlock();
    throw error;
  }
  const control = startControl();
  try {
    return { ...(await ready.promise), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
