import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { tempFolder } from '../../../helpers/folder.ts';
import type { Order, Report } from './child.ts';

/** The compile cache of Node. Without it, each process would take twice as long to start. */
const compiled = tempFolder();
process.once('exit', () => compiled.remove());

/** One process of a story. It is killed in the end. */
export class Child {
  readonly #process: ChildProcess;
  readonly #closed: Promise<unknown>;
  readonly #ready = Promise.withResolvers<void>();
  #outcome = Promise.withResolvers<string | null>();
  #last = '';
  /** The journal's events up to this number are durable. */
  written = -1;

  constructor(clickhouse: { readonly url: string; readonly password: string }) {
    const { url, password } = clickhouse;
    this.#process = fork(join(import.meta.dirname, 'child.ts'), [JSON.stringify({ url, password })], {
      execArgv: [],
      env: { NODE_COMPILE_CACHE: compiled.path },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#last += text));
    this.#closed = once(this.#process, 'close');
    this.#process.on('message', (report: Report) => {
      if (report.type === 'ready') this.#ready.resolve();
      else if (report.type === 'written') this.written = report.through;
      else if (report.type === 'done') this.#outcome.resolve(null);
      else this.#outcome.reject(new Error(report.reason));
    });
    void this.#closed.then(() => {
      if (this.#process.signalCode === 'SIGKILL') this.#outcome.resolve(this.#last || 'from outside');
      else this.#outcome.reject(new Error(`The process ended: ${this.#process.exitCode} ${this.#last}`));
    });
    this.#outcome.promise.catch(() => {});
  }

  /** @returns where it was killed, or null if it was not */
  async do(order: Order): Promise<string | null> {
    // A process that cannot start says why when it ends.
    await Promise.race([this.#ready.promise, this.#outcome.promise]);
    this.#process.send(order);
    return await this.#outcome.promise;
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#closed;
  }
}
