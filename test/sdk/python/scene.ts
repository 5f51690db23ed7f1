import { expect } from 'vitest';
import { approve, startDataPlane, TOKEN, type DataPlane } from '../../helpers/data-plane.ts';
import { startPython, type PythonSession } from '../../helpers/python-session.ts';
import { startUpstream, type Received, type Upstream } from '../../helpers/upstream.ts';
import { KEY, RULES } from '../presets.ts';
import { pythonWithSdks } from './sdks.ts';

/** What a system answers. An object is sent as JSON. */
export type Answer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | object;
};

/** A gateway with one system, as a user sets it up, and a Python in which its SDK calls it. */
export type Scene = {
  readonly plane: DataPlane;
  readonly upstream: Upstream;
  /** Host and port of the system's own address at the gateway. */
  readonly address: string;
  /** Runs statements in Python, and resolves with the last one's value. */
  readonly run: PythonSession['run'];
  /** What reached the system: method and target. */
  reached(): readonly string[];
  /** Approves the only pending call, once its caller was sent away. */
  approveNext(): Promise<void>;
  /** How many calls were held so far. */
  held(): Promise<number>;
  close(): Promise<void>;
};

type Options = {
  /** The name of the system, and of its preset unless the settings say otherwise. */
  readonly system: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The system itself. `origin` is its URL. */
  readonly answer: (received: Received, origin: string) => Answer;
  /** What Python runs first. `URL` is the system's URL at the gateway, `ADDRESS` its own host and port there. */
  readonly setup: string;
  /** More variables of its environment, once the system has its address. */
  readonly env?: (address: string) => Promise<Readonly<Record<string, string>>>;
};

/**
 * Held callers are sent away after 200 ms: what is tried is the SDK's own retry, or the same call made again.
 */
export async function startScene({ system, settings = {}, answer, setup, env }: Options): Promise<Scene> {
  const upstream: Upstream = await startUpstream((received, response) => {
    const { status = 200, headers = {}, body = '' } = answer(received, upstream.url);
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
    response.writeHead(status, { ...(isJson && { 'content-type': 'application/json' }), ...headers });
    response.end(isJson ? JSON.stringify(body) : body);
  });
  const configured = { preset: system, credential: KEY, listen: '127.0.0.1:0', wait: '200ms', ...settings };
  const [plane, python] = await Promise.all([
    startDataPlane({
      systems: { [system]: { upstream: upstream.url, ...withoutUndefined(configured) } },
      rego: { 'all.rego': RULES },
    }),
    pythonWithSdks(),
  ]);
  const address = plane.address(system);
  const more = (await env?.(address)) ?? {};
  const session = startPython(python, { URL: `${plane.url}/${system}`, ADDRESS: address, TOKEN, ...more });
  await session.run(`
    import os
    URL, ADDRESS, TOKEN = os.environ["URL"], os.environ["ADDRESS"], os.environ["TOKEN"]
  `);
  await session.run(setup);

  const holds = async (status?: 'pending') =>
    (await plane.store.holds.list({ limit: 100, ...(status && { status }) })).items;
  const sentAway = async (id: string) =>
    (await plane.events()).some(
      (event) => event.type === 'call.completed' && event.hold_id === id && event.status === 503,
    );
  return {
    plane,
    upstream,
    address,
    run: session.run,
    reached: () => upstream.received.map(({ method, url }) => `${method} ${url}`),
    async approveNext() {
      await expect.poll(() => holds('pending')).toHaveLength(1);
      const [hold] = await holds('pending');
      await expect.poll(() => sentAway(hold!.id)).toBe(true);
      await approve(plane.store, hold!.id);
    },
    held: async () => (await holds()).length,
    async close() {
      await session.close();
      await plane.close();
      await upstream.close();
      // No system may ever get the agent's own token.
      expect(JSON.stringify(upstream.received.map(({ rawHeaders, url }) => [rawHeaders, url]))).not.toContain(TOKEN);
    },
  };
}

function withoutUndefined(settings: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
