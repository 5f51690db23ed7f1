import type { ClickHouseClient } from '@clickhouse/client';
import { ClickHouseError, ClickHouseLogLevel, createClient } from '@clickhouse/client';

/** The address of ClickHouse and how to connect. Plain data: processes send it to each other. */
export type ClickHouseAddress = {
  /** One server, or several with the same data, of which one that answers is used. */
  readonly url: string | readonly string[];
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly tls?: ClickHouseTls | undefined;
  /** Compress requests and answers. */
  readonly compression?: boolean | undefined;
};

/** In PEM: the trusted CA, and our certificate and key. */
export type ClickHouseTls = {
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
};

/**
 * ClickHouse's error codes for a failure of the server and not of the statement: another server may succeed.
 */
const SERVER_FAULTS = new Set([
  '202', // TOO_MANY_SIMULTANEOUS_QUERIES
  '209', // SOCKET_TIMEOUT
  '210', // NETWORK_ERROR
  '225', // NO_ZOOKEEPER
  '242', // TABLE_IS_READ_ONLY
  '243', // NOT_ENOUGH_SPACE
  '279', // ALL_CONNECTION_TRIES_FAILED
  '285', // TOO_FEW_LIVE_REPLICAS
  '999', // KEEPER_EXCEPTION
]);

/** A client's methods. Those that only read are repeated on the next server at once; see `overSeveral`. */
const METHODS = { query: 'reads', ping: 'reads', command: 'writes', exec: 'writes', insert: 'writes' } as const;

/**
 * A client for the ClickHouse at `address`, a server or the embedded engine alike. Connects when first used.
 *
 * Of several servers one is used until it fails; then the next. Reads are repeated there at once. A write fails, since it
 * may have been done, and the caller's retry goes to the next server: an insert carries a token that replicas share.
 */
export function connectClickHouse(address: ClickHouseAddress): ClickHouseClient {
  const { url, username, password, tls, compression = false } = address;
  const urls = typeof url === 'string' ? [url] : url;
  const clients = urls.map((each) =>
    createClient({
      url: each,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      ...(tls !== undefined && { tls: trusted(tls) }),
      compression: { request: compression, response: compression },
      application: 'holdpoint',
      request_timeout: 30_000,
      max_open_connections: 4,
      // Below the servers' own limits (3 s and more): a socket that the other side has just closed fails a request.
      keep_alive: { enabled: true, idle_socket_ttl: 2000 },
      // The caller gets the error and reports it.
      log: { level: ClickHouseLogLevel.OFF },
    }),
  );
  return clients.length === 1 ? clients[0]! : overSeveral(clients);
}

function overSeveral(clients: readonly ClickHouseClient[]): ClickHouseClient {
  let current = 0;

  /** Switches from the failed server to the next, unless another call has done so. */
  const turnFrom = (failed: number) => {
    if (current === failed) current = (failed + 1) % clients.length;
  };

  async function ask(method: keyof typeof METHODS, parameters: unknown[]): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const asked = current;
      try {
        const answer: unknown = await (clients[asked]![method] as (...all: unknown[]) => Promise<unknown>)(
          ...parameters,
        );
        // A ping does not throw.
        if (!isUnanswered(answer) || tries === clients.length) return answer;
        turnFrom(asked);
      } catch (error) {
        if (!isServerFault(error) || wasAborted(parameters)) throw error;
        turnFrom(asked);
        if (METHODS[method] === 'writes' || tries === clients.length) throw error;
      }
    }
  }

  return new Proxy(clients[0]!, {
    get(client, name) {
      if (name === 'close') return () => Promise.all(clients.map((each) => each.close()));
      if (typeof name === 'string' && name in METHODS) {
        return (...parameters: unknown[]) => ask(name as keyof typeof METHODS, parameters);
      }
      return Reflect.get(client, name, client) as unknown;
    },
  });
}

function isUnanswered(answer: unknown): boolean {
  return (answer as { success?: boolean } | undefined)?.success === false;
}

/** An error that is no answer of ClickHouse comes from the connection. */
function isServerFault(error: unknown): boolean {
  return !(error instanceof ClickHouseError) || SERVER_FAULTS.has(error.code);
}

function wasAborted(parameters: readonly unknown[]): boolean {
  return (parameters[0] as { abort_signal?: AbortSignal } | undefined)?.abort_signal?.aborted ?? false;
}

function trusted({ ca, cert, key }: ClickHouseTls) {
  const ca_cert = Buffer.from(ca);
  return cert === undefined || key === undefined
    ? { ca_cert }
    : { ca_cert, cert: Buffer.from(cert), key: Buffer.from(key) };
}
