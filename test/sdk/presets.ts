import { expect } from 'vitest';
import type { IncomingHttpHeaders } from 'node:http';
import { approve, startDataPlane, type DataPlane } from '../helpers/data-plane.ts';
import { startUpstream, type Received, type Upstream } from '../helpers/upstream.ts';

/** What policy blocks and holds, wherever a call says it: in its path, query or body. */
export const RULES = `package rules.all

said := lower(json.marshal([input.action.segments, input.action.query, object.get(input.action, "body", null)]))

block contains {"rule": "no", "reason": "Agents may not touch what is secret."} if contains(said, "secret")

hold contains {"rule": "ask", "reviewers": ["finance"]} if contains(said, "large")

allow contains {"rule": "rest"} if true
`;

export const REASON = 'Agents may not touch what is secret.';
/** The key of each system, which agents do not have. */
export const KEY = 'system:key';

/** An answer that is more than 200 and JSON. */
export class Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;

  constructor(status: number, headers: Readonly<Record<string, string>>, body: string | Buffer | object = '') {
    this.status = status;
    this.headers = headers;
    this.body = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  }
}

/** Answers as a system does: an `Answer`, what becomes JSON with status 200, or undefined for 404. */
type Respond = (preset: string, received: Received) => unknown;

export type Presets = {
  readonly plane: DataPlane;
  readonly upstream: Upstream;
  /** What reached a preset's system: method and target. */
  reached(preset: string): readonly string[];
  /** Approves the next call that is held. */
  approveNext(): Promise<void>;
  close(): Promise<void>;
};

/** Starts a gateway that has a system for each preset, named after it, and small servers that answer as they do. */
export async function startPresets(
  presets: readonly string[],
  answer: Respond,
  settings: Readonly<Record<string, object>> = {},
): Promise<Presets> {
  const upstream = await startUpstream((received, response) => {
    const [, preset = '', ...rest] = received.url.split('/');
    const found = answer(preset, { ...received, url: `/${rest.join('/')}` });
    const { status, headers, body } =
      found instanceof Answer ? found : new Answer(found === undefined ? 404 : 200, {}, found ?? {});
    response.writeHead(status, {
      'content-type': 'application/json',
      'x-elastic-product': 'Elasticsearch',
      ...headers,
    });
    response.end(body);
  });
  const systems = presets.map((preset) => {
    const credential = preset === 's3' ? {} : { credential: KEY };
    return [
      preset,
      { preset, upstream: `${upstream.url}/${preset}`, wait: '60s', ...credential, ...settings[preset] },
    ] as const;
  });
  const plane = await startDataPlane({ systems: Object.fromEntries(systems), rego: { 'all.rego': RULES } });
  const below = (preset: string) => upstream.received.filter(({ url }) => url.startsWith(`/${preset}/`));
  return {
    plane,
    upstream,
    reached: (preset) => below(preset).map(({ method, url }) => `${method} ${url.slice(preset.length + 1)}`),
    async approveNext() {
      const pending = async () => (await plane.store.holds.list({ status: 'pending', limit: 1 })).items[0];
      await expect.poll(pending, { timeout: 60_000 }).toBeDefined();
      await approve(plane.store, (await pending())!.id);
    },
    async close() {
      await plane.close();
      await upstream.close();
    },
  };
}

/** The headers in which the last call reached a preset's system. */
export function headersAt({ upstream }: Presets, preset: string): IncomingHttpHeaders {
  return upstream.received.findLast(({ url }) => url.startsWith(`/${preset}/`))!.headers;
}
