import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CHARGES, CUSTOMERS } from './payments-seed.ts';
import type { Charge, Customer } from './payments-seed.ts';

/** A call that reached the payments API with the right key, whatever its outcome. */
type ExecutedCall = {
  readonly method: string;
  readonly path: string;
  /** Decoded form or query parameters, by their names as sent (`metadata[order]`). */
  readonly params: Readonly<Record<string, string>>;
  readonly status: number;
};

export type PaymentsApi = {
  readonly url: string;
  readonly port: number;
  /** Oldest first. A call missing here never reached this API. */
  executed(): readonly ExecutedCall[];
  close(): Promise<void>;
};

type Refund = {
  readonly id: string;
  readonly object: 'refund';
  readonly amount: number;
  readonly charge: string;
  readonly created: number;
  readonly currency: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly reason: string | null;
  readonly status: 'succeeded';
};

type Answer = { readonly status: number; readonly body: unknown };
type Route = (params: URLSearchParams, id: string) => Answer;

const MAX_BODY = 64 * 1024;

/** An error in the shape that Stripe's SDKs turn into exceptions. */
function failure(status: number, type: string, message: string, more: Record<string, string> = {}): Answer {
  return { status, body: { error: { type, message, ...more } } };
}

const missing = (kind: string, id: string, param: string): Answer =>
  failure(404, 'invalid_request_error', `No such ${kind}: '${id}'`, { code: 'resource_missing', param });

/** One page of a list, newest first, as Stripe pages it: `limit` (1–100, default 10) and `starting_after`. */
function page<T extends { readonly id: string }>(url: string, all: readonly T[], params: URLSearchParams): Answer {
  const limit = Number(params.get('limit') ?? 10);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    return failure(400, 'invalid_request_error', 'limit must be an integer from 1 to 100', { param: 'limit' });
  }
  const after = params.get('starting_after');
  const start = after === null ? 0 : all.findIndex((item) => item.id === after) + 1;
  if (after !== null && start === 0) return missing('object', after, 'starting_after');
  const data = all.slice(start, start + limit);
  return { status: 200, body: { object: 'list', url, has_more: start + limit < all.length, data } };
}

/** The members of `name[…]=value` parameters. */
function nested(params: URLSearchParams, name: string): Record<string, string> {
  const members: Record<string, string> = {};
  for (const [key, value] of params) {
    if (key.startsWith(`${name}[`) && key.endsWith(']')) members[key.slice(name.length + 1, -1)] = value;
  }
  return members;
}

/** Newest first; if there is a parameter `name`, only those whose member `name` equals it. */
function matching<T>(all: Map<string, T>, name: string & keyof T, params: URLSearchParams): T[] {
  return [...all.values()].filter((item) => !params.has(name) || item[name] === params.get(name)).toReversed();
}

function retrieve(all: Map<string, unknown>, kind: string): Route {
  return (_params, id) => (all.has(id) ? { status: 200, body: all.get(id) } : missing(kind, id, 'id'));
}

function createRoutes(): (method: string, path: string) => { route: Route; id: string } | null {
  const customers = new Map<string, Customer>(CUSTOMERS.map((customer) => [customer.id, customer]));
  const charges = new Map<string, Charge>(CHARGES.map((charge) => [charge.id, charge]));
  const refunds = new Map<string, Refund>();

  const refund: Route = (params) => {
    const chargeId = params.get('charge');
    if (!chargeId) {
      return failure(400, 'invalid_request_error', 'Missing required param: charge.', {
        code: 'parameter_missing',
        param: 'charge',
      });
    }
    const charge = charges.get(chargeId);
    if (!charge) return missing('charge', chargeId, 'charge');
    const left = charge.amount - charge.amount_refunded;
    if (left === 0) {
      return failure(400, 'invalid_request_error', `Charge ${chargeId} has already been refunded.`, {
        code: 'charge_already_refunded',
      });
    }
    const text = params.get('amount') ?? String(left);
    const amount = Number(text);
    if (!/^\d+$/.test(text) || amount < 1) {
      return failure(400, 'invalid_request_error', `Invalid positive integer: ${text}`, {
        code: 'parameter_invalid_integer',
        param: 'amount',
      });
    }
    if (amount > left) {
      const message = `Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`;
      return failure(400, 'invalid_request_error', message, { param: 'amount' });
    }
    const created: Refund = {
      id: `re_3Rd${String(refunds.size + 1).padStart(18, '0')}`,
      object: 'refund',
      amount,
      charge: chargeId,
      created: Math.floor(Date.now() / 1000),
      currency: charge.currency,
      metadata: nested(params, 'metadata'),
      reason: params.get('reason'),
      status: 'succeeded',
    };
    const amount_refunded = charge.amount_refunded + amount;
    charges.set(chargeId, { ...charge, amount_refunded, refunded: amount_refunded === charge.amount });
    refunds.set(created.id, created);
    return { status: 200, body: created };
  };

  const routes: Record<string, Route> = {
    'GET /v1/customers': (params) => page('/v1/customers', matching(customers, 'email', params), params),
    'GET /v1/customers/': retrieve(customers, 'customer'),
    'GET /v1/charges': (params) => page('/v1/charges', matching(charges, 'customer', params), params),
    'GET /v1/charges/': retrieve(charges, 'charge'),
    'POST /v1/refunds': refund,
    'GET /v1/refunds': (params) => page('/v1/refunds', matching(refunds, 'charge', params), params),
    'GET /v1/refunds/': retrieve(refunds, 'refund'),
  };
  return (method, path) => {
    const [, collection = '', slash = '', id = ''] = /^(\/v1\/[a-z]+)(\/?)([^/]*)$/.exec(path) ?? [];
    const route = routes[`${method} ${collection}${slash}`];
    return route ? { route, id: id } : null;
  };
}

async function read(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY) chunks.push(chunk);
  }
  return size > MAX_BODY ? null : Buffer.concat(chunks).toString('utf8');
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * An example business system: customers, charges and refunds in the shape of Stripe's API, in memory, the same at every
 * start. It accepts only `key` as bearer credential, which agents never see.
 *
 * @param options.port 0 or absent: any free port on 127.0.0.1
 * @throws the operating system's error when the port is taken
 */
export async function startPaymentsApi(options: { port?: number; key: string }): Promise<PaymentsApi> {
  const expected = digest(`Bearer ${options.key}`);
  const find = createRoutes();
  const executed: ExecutedCall[] = [];
  const replays = new Map<string, { readonly request: string; readonly answer: Answer }>();
  let requests = 0;

  function answer(request: IncomingMessage, url: URL, body: string): Answer & { replayed?: boolean } {
    const method = request.method ?? 'GET';
    const found = find(method, url.pathname);
    if (!found) {
      return failure(404, 'invalid_request_error', `Unrecognized request URL (${method}: ${url.pathname}).`);
    }
    const params = method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    const key = method === 'POST' ? request.headers['idempotency-key'] : undefined;
    if (typeof key !== 'string') return found.route(params, found.id);
    const fingerprint = `${url.pathname}\n${body}`;
    const earlier = replays.get(key);
    if (earlier && earlier.request !== fingerprint) {
      return failure(
        400,
        'idempotency_error',
        'Keys for idempotent requests can only be used with the same parameters.',
      );
    }
    if (earlier) return { ...earlier.answer, replayed: true };
    const answer = found.route(params, found.id);
    replays.set(key, { request: fingerprint, answer });
    return answer;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://payments');
    const body = await read(request);
    const authorised = timingSafeEqual(digest(request.headers.authorization ?? ''), expected);
    const result: Answer & { replayed?: boolean } = !authorised
      ? failure(401, 'invalid_request_error', 'Invalid API Key provided.')
      : body === null
        ? failure(413, 'invalid_request_error', 'Request body too large.')
        : answer(request, url, body);
    if (authorised) {
      const params = Object.fromEntries(request.method === 'POST' ? new URLSearchParams(body ?? '') : url.searchParams);
      executed.push({ method: request.method ?? 'GET', path: url.pathname, params, status: result.status });
    }
    requests += 1;
    const key = request.headers['idempotency-key'];
    response.writeHead(result.status, {
      'content-type': 'application/json',
      'request-id': `req_${String(requests).padStart(14, '0')}`,
      ...(typeof key === 'string' && { 'idempotency-key': key }),
      ...(result.replayed && { 'idempotent-replayed': 'true' }),
    });
    response.end(`${JSON.stringify(result.body, null, 2)}\n`);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    executed: () => executed,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
