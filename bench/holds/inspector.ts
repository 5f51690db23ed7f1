import { setTimeout as pause } from 'node:timers/promises';

/** Where Node's inspector listens once SIGUSR1 has woken it. */
const INSPECTOR = 'http://127.0.0.1:9229';
/** Milliseconds to disconnect: a process does not stop while an inspector is connected. */
const BEFORE_END = 50;

/** Memory of a process in bytes. */
export type Memory = { readonly resident: number; readonly heap: number; readonly external: number };

/** A Node process seen through its inspector, so that the program is measured without changes. */
export type Inspector = {
  /** Sends a command of the Chrome DevTools Protocol and gives its result. @throws Error with what the process says of it */
  call(method: string, params?: object): Promise<unknown>;
  /** Collects all garbage and returns what is left. */
  settle(): Promise<Memory>;
  /** CPU time of the process with all its threads so far, in microseconds. */
  cpuMicros(): Promise<number>;
  close(): void;
  /** Closes it in the process as well: another one can be looked at then. */
  end(): Promise<void>;
};

/** @throws Error when the process cannot be reached, or another one has its inspector on the same port */
export async function inspect(pid: number): Promise<Inspector> {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await addressOf());
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`the inspector of ${pid} could not be reached`)));
  });
  const asked = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error } = JSON.parse(String(data)) as Message;
    if (error) asked.get(id)?.reject(new Error(error.message));
    else asked.get(id)?.resolve(result);
    asked.delete(id);
  });
  socket.addEventListener('close', () => {
    for (const { reject } of asked.values()) reject(new Error('the inspected process is gone'));
  });

  function call(method: string, params: object = {}): Promise<unknown> {
    last += 1;
    const answer = Promise.withResolvers<unknown>();
    asked.set(last, answer);
    socket.send(JSON.stringify({ id: last, method, params }));
    return answer.promise;
  }
  async function evaluate<T>(expression: string): Promise<T> {
    const { result } = (await call('Runtime.evaluate', { expression, returnByValue: true })) as Evaluated<T>;
    return result.value;
  }

  const found = await evaluate<number>('process.pid');
  if (found !== pid) {
    socket.close();
    throw new Error(`${INSPECTOR} belongs to process ${found}, not to the worker ${pid}; end that one's inspector`);
  }
  return {
    call,
    async settle() {
      // The first collection runs finalizers; the next one collects what they freed.
      for (let times = 0; times < 3; times += 1) await call('HeapProfiler.collectGarbage');
      // V8 gives pages back from a thread of its own.
      await pause(1_000);
      const { rss, heapUsed, external } = await evaluate<NodeJS.MemoryUsage>('process.memoryUsage()');
      return { resident: rss, heap: heapUsed, external };
    },
    async cpuMicros() {
      const { user, system } = await evaluate<NodeJS.CpuUsage>('process.cpuUsage()');
      return user + system;
    },
    close: () => socket.close(),
    async end() {
      await evaluate(`void setTimeout(() => process.getBuiltinModule('node:inspector').close(), ${BEFORE_END})`);
      socket.close();
      while (await fetch(`${INSPECTOR}/json/list`).catch(() => null)) await pause(BEFORE_END);
    },
  };
}

/** There are only answers: nothing that would make events is switched on. */
type Message = {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
};

type Evaluated<T> = { readonly result: { readonly value: T } };

async function addressOf(): Promise<string> {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${INSPECTOR}/json/list`).catch(() => null);
    const [target] = answer?.ok ? ((await answer.json()) as { webSocketDebuggerUrl: string }[]) : [];
    if (target) return target.webSocketDebuggerUrl;
    await pause(50);
  }
  throw new Error(`no inspector answers at ${INSPECTOR}`);
}
