import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import { createMeter } from '../../../gateway/metering/meter.ts';
import type { Event } from '../../../gateway/domain/event.ts';
import { createForwarder } from '../../../gateway/enforce/forwarder.ts';
import { createOutcomes } from '../../../gateway/enforce/release/outcomes.ts';
import { createReleaser, type Releaser } from '../../../gateway/enforce/release/release.ts';
import { createDigest } from '../../../gateway/holds/binding.ts';
import { startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { judgeBy } from '../../helpers/meter.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';

/** A gateway with an upstream that answers as a test says. */
export type Scene = {
  readonly plane: DataPlane;
  readonly upstream: Upstream;
  /** From the next call on. */
  answers(respond: (response: ServerResponse, received: Received) => void): void;
  /** One call; a body makes it a POST. */
  call(path: string, body?: object, headers?: Record<string, string>): Promise<Response>;
  /** All events so far of the newest call of this path, from the journal and from the holds. */
  story(path: string): Promise<Event[]>;
  /** The same, once the call is completed. */
  ended(path: string): Promise<Event[]>;
  /** Releases as control does, for callers who left. */
  readonly control: Releaser;
  close(): Promise<void>;
};

export async function startScene(
  rego: Readonly<Record<string, string>>,
  system: object,
  options: Pick<Parameters<typeof startDataPlane>[0], 'at' | 'key'> & { readonly upstreamPort?: number } = {},
): Promise<Scene> {
  let respond: (response: ServerResponse, received: Received) => void = (response) => response.end();
  const { upstreamPort, ...setting } = options;
  const upstream = await startUpstream((received, response) => respond(response, received), upstreamPort);
  const systems = { llm: { upstream: upstream.url, wait: '20s', ...system } };
  const plane = await startDataPlane({ systems, rego, ...setting });
  const { store, decider, config } = plane;
  const forwarder = createForwarder(config.systems);
  const byName = new Map(config.systems.map((each) => [each.name, each]));
  const control = createReleaser({
    messages: { through: (_call, answer) => answer },
    holds: store.holds,
    contents: store.contents,
    senders: store.senders,
    judge: judgeBy((input) => decider.decide(input)),
    forwarder,
    outcomes: createOutcomes(store.holds, () => {}),
    released: () => {},
    meter: createMeter({
      systems: config.systems,
      drift: decider,
      log: pino({ level: 'silent' }),
      counted: () => {},
    }),
    digest: createDigest(byName),
    systems: byName,
    isStopped: () => false,
    whyNotPermitted: () => null,
    by: 'control/1/test',
    clock: Date.now,
  });

  async function story(path: string): Promise<Event[]> {
    const outbox = await store.outbox.read(0, 10_000);
    const all = [...(await plane.events()), ...outbox.map(({ event }) => event)];
    const last = all.findLast((event) => event.type === 'call.decided' && event.path === path);
    return all.filter(({ call_id }) => call_id !== undefined && call_id === last?.call_id);
  }

  return {
    plane,
    upstream,
    control,
    answers: (next) => void (respond = next),
    call: (path, body, headers = {}) =>
      fetch(`${plane.url}/llm${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${TOKEN}`, ...(body && { 'content-type': 'application/json' }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
      }),
    story,
    async ended(path) {
      const isOver = (events: readonly Event[]) => events.some(({ type }) => type === 'call.completed');
      for (;;) {
        const events = await story(path);
        if (isOver(events)) return events;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    async close() {
      await forwarder.close();
      await plane.close();
      await upstream.close();
    },
  };
}

/** The cost of a call over all of its events, which have it once. */
export function costs(events: readonly Event[]): (readonly [type: string, cost: number, unit: string | undefined])[] {
  return events.flatMap(({ type, cost, cost_unit }) => (cost === undefined ? [] : [[type, cost, cost_unit] as const]));
}

export function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
}
