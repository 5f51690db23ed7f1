import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Place, TestEngine } from '../../../gateway/holds/store/engines.ts';
import { tempFolder } from '../../../helpers/folder.ts';
import { Observer } from '../observer.ts';
import type { Story } from '../stories.ts';
import type { Order, Report } from './child.ts';
import type { Point } from './points.ts';

const BEGINNING = 1_700_000_000_000;
/** Where Node keeps compiled code, without which each process would take twice as long to start. */
const compiled = tempFolder();
process.once('exit', () => compiled.remove());

/** How an order ended: done, or at which point the process was killed. */
type Outcome = { readonly done: Report & { type: 'done' } } | { readonly killedAt: string };

type ChildAt = { readonly name: string; readonly at: Place['at']; readonly upstream: string };

/** One process, which is killed in the end. */
class Child {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #ready: Promise<void>;
  #last = '';
  #outcome = Promise.withResolvers<Outcome>();
  #answer = () => {};

  constructor(settings: ChildAt) {
    this.name = settings.name;
    this.#process = fork(join(import.meta.dirname, 'child.ts'), [JSON.stringify(settings)], {
      execArgv: [],
      env: { NODE_COMPILE_CACHE: compiled.path },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.#process.stdout!.setEncoding('utf8').on('data', (text: string) => (this.#last += text));
    this.#exited = once(this.#process, 'close');
    const ready = Promise.withResolvers<void>();
    this.#ready = ready.promise;
    this.#process.on('message', (report: Report) => {
      if (report.type === 'ready') ready.resolve();
      else if (report.type === 'answer') this.#answer();
      else if (report.type === 'done') this.#outcome.resolve({ done: report });
      else this.#outcome.reject(new Error(report.reason));
    });
    void this.#exited.then(() => {
      this.#answer();
      if (this.#process.signalCode === 'SIGKILL') this.#outcome.resolve({ killedAt: this.#last });
      else this.#outcome.reject(new Error(`${this.name} ended: ${this.#process.exitCode} ${this.#last}`));
    });
    this.#outcome.promise.catch(() => {});
  }

  async do(order: Order): Promise<Outcome> {
    // One that cannot even start says why when it ends.
    await Promise.race([this.#ready, this.#outcome.promise]);
    this.#outcome = Promise.withResolvers();
    this.#process.send(order);
    return await this.#outcome.promise;
  }

  /** The system has got its call. Resolves when it is to answer, or when nobody waits for an answer any more. */
  async arrived(): Promise<void> {
    const answer = new Promise<void>((resolve) => (this.#answer = resolve));
    this.#process.send({ type: 'arrived' } satisfies Order);
    await answer;
  }

  async end(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

/** One gateway on a database of its own, whose process is killed and followed by another, again and again. */
export class Lane {
  readonly #place: Place;
  readonly #observer: Observer;
  readonly #label: string;
  #child: Child;
  #successor: Child;
  #children = 0;
  #now = BEGINNING;

  private constructor(place: Place, observer: Observer, label: string) {
    this.#place = place;
    this.#observer = observer;
    this.#label = label;
    this.#child = this.#start();
    this.#successor = this.#start();
    observer.whenArrived = () => this.#child.arrived();
  }

  static async open(engine: TestEngine, label: string): Promise<Lane> {
    const place = await engine.place();
    return new Lane(place, await Observer.open(place), label);
  }

  /** The next process, which loads its modules while the one before it still plays. */
  #start(): Child {
    const name = `worker-0/${++this.#children}/${this.#label}`;
    return new Child({ name, at: this.#place.at, upstream: this.#observer.upstream });
  }

  /**
   * Plays a story again and again, each time with the process killed at a later point, from `first` on every `step`th,
   * until it is not killed any more; and checks each time what a successor makes of it.
   * @param after kills a process at this point before; then its successor is the one that is killed again and again
   * @returns how many points that were
   */
  async killEverywhere(story: Story, first: number, step: number, after: Point | null = null): Promise<number> {
    this.#observer.story = story;
    for (let point = first, killed = 0; ; point += step) {
      const agent = `bot-${this.#children}-${point}`;
      const where = await this.#play(story, agent, after === null ? [point] : [after, point]);
      await this.#observer.check(agent, where.join(', then ') || 'not killed');
      if (where.length === (after === null ? 0 : 1)) return killed;
      killed++;
    }
  }

  /** Plays the story with a process killed at each of these points in turn, and one that lives. Tells where they were. */
  async #play(story: Story, agent: string, points: readonly Point[]): Promise<string[]> {
    const dead: string[] = [];
    const where: string[] = [];
    for (const point of [...points, null]) {
      const now = this.#now + story.backAfter * dead.length;
      const outcome = await this.#child.do({ type: 'play', story: story.name, agent, now, point, dead });
      if ('done' in outcome) {
        this.#now = outcome.done.now + 60_000;
        break;
      }
      where.push(`killed ${outcome.killedAt}`);
      dead.push(this.#child.name);
      this.#child = this.#successor;
      this.#successor = this.#start();
    }
    return where;
  }

  async close(): Promise<void> {
    await Promise.all([this.#child.end(), this.#successor.end()]);
    await this.#observer.close();
    await this.#place.remove();
  }
}

/**
 * Kills one process after another while it makes its tables, each in an empty database.
 * @returns how many that were; each successor has made a store that works
 */
export async function killWhileOpening(engine: TestEngine, first: number, step: number): Promise<number> {
  for (let point = first, killed = 0; ; point += step) {
    const place = await engine.place();
    const settings = { at: place.at, upstream: 'http://127.0.0.1:9' };
    const [child, successor] = [
      new Child({ ...settings, name: 'worker-0/1/opening' }),
      new Child({ ...settings, name: 'worker-0/2/opening' }),
    ];
    try {
      const isKilled = 'killedAt' in (await child.do({ type: 'open', point }));
      const order = { type: 'play', story: 'a call is rejected', agent: 'bot', now: BEGINNING, point: null } as const;
      const outcome = await successor.do({ ...order, dead: [child.name] });
      if (!('done' in outcome)) throw new Error(`the successor was killed ${outcome.killedAt}`);
      if (!isKilled) return killed;
      killed++;
    } finally {
      await Promise.all([child.end(), successor.end()]);
      await place.remove();
    }
  }
}
