import type { Event } from '../../../gateway/domain/event.ts';
import { openHoldStore, type OwnedStore } from '../../../gateway/holds/store/store.ts';
import type { Place } from '../../gateway/holds/store/engines.ts';
import { startBusinessSystem, type Arrival, type BusinessSystem } from './business-system.ts';
import { KEY } from '../../helpers/hold.ts';
import { checkArrival, checkEnd } from './checks.ts';
import type { Story } from './stories.ts';
import { assertCall } from '../../../gateway/domain/hold.ts';

/** Stands beside gateways on one database, with a store of its own and behind the system that they call. */
export class Observer {
  /** What is being played. */
  story: Story | null = null;
  /** What has to happen before a call that has arrived is answered. */
  whenArrived: () => Promise<void> = async () => {};
  readonly #place: Place;
  readonly #store: OwnedStore;
  #system!: BusinessSystem;
  #seen = 0;
  #faults: unknown[] = [];

  private constructor(place: Place, store: OwnedStore) {
    this.#place = place;
    this.#store = store;
  }

  static async open(place: Place): Promise<Observer> {
    const store = await openHoldStore({ ...place.at, key: KEY, node: 'test', reviewers: [], compose: () => [] });
    const observer = new Observer(place, store);
    observer.#system = await startBusinessSystem((arrival) => observer.#received(arrival));
    return observer;
  }

  get upstream(): string {
    return this.#system.url;
  }

  /** Looks at a call in the moment in which it arrives, before anybody can make it look right. */
  async #received(arrival: Arrival): Promise<boolean> {
    const { items } = await this.#store.holds.list({ agent: arrival.customer, limit: 100 });
    try {
      checkArrival(arrival, items.map(assertCall));
    } catch (error) {
      this.#faults.push(error);
    }
    const isFirst = this.#system.arrivals.filter(({ customer }) => customer === arrival.customer).length === 1;
    await this.whenArrived();
    return !(isFirst && this.story?.fate === 'breaks off first');
  }

  /** Looks at what one agent's story has left behind. @throws with the story as the record tells it */
  async check(agent: string, where: string): Promise<void> {
    const events = await this.#newEvents();
    try {
      if (this.#faults.length > 0) throw this.#faults[0];
      checkEnd(this.story!, {
        holds: (await this.#store.holds.list({ agent, limit: 100 })).items.map(assertCall),
        events,
        notices: await this.#place.raw('select id, hold_id, kind, state from notices'),
        grants: (await this.#store.grants.list({ agent, active: false, limit: 100 })).items,
        arrivals: this.#system.arrivals.filter(({ customer }) => customer === agent),
        messages: this.#system.messages,
      });
    } catch (cause) {
      const record = events.map(({ type, actor }) => `${type} by ${actor}`).join(', ');
      throw new Error(`${where}: ${(cause as Error).message}\nThe story was: ${record}`, { cause });
    } finally {
      this.#faults = [];
      // The next story's rounds shall find nothing but their own.
      await this.#place.raw('delete from notices');
    }
  }

  async #newEvents(): Promise<Event[]> {
    const read = await this.#store.outbox.read(this.#seen, 1_000);
    this.#seen = read.at(-1)?.seq ?? this.#seen;
    return read.map(({ event }) => event);
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#system.close();
  }
}
