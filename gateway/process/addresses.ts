import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Config } from '../config/config.ts';
import type { Address } from '../config/address.ts';
import { listenOn } from '../agents/listen.ts';

/** The addresses of a gateway. */
export type Listening = {
  readonly agents: Address;
  /** Addresses of the systems that have their own. */
  readonly systems: Readonly<Record<string, Address>>;
  readonly admin: Address;
  /** The analysts' query endpoint of the embedded ClickHouse; null if it has none. */
  readonly analysts: Address | null;
};

/** A port that no program uses now. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await listenOn(server, { host, port: 0 });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Checks that the configured addresses are free, and chooses ports in place of port 0: a restarted process must come
 * back on the announced port. Workers share their ports (SO_REUSEPORT), so they would not notice another program that
 * shares them too.
 * @throws Error that names the taken address, with a message for the operator
 */
export async function reserveAddresses({ listen, systems }: Config): Promise<Listening> {
  const servers: Server[] = [];
  async function reserve(address: Address): Promise<Address> {
    const server = createServer();
    await listenOn(server, address);
    servers.push(server);
    return { host: address.host, port: (server.address() as AddressInfo).port };
  }
  try {
    const own: [string, Address][] = [];
    for (const { name, address } of systems) if (address) own.push([name, await reserve(address)]);
    return {
      agents: await reserve(listen.agents),
      systems: Object.fromEntries(own),
      admin: await reserve(listen.admin),
      analysts: listen.clickhouse ? await reserve(listen.clickhouse) : null,
    };
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}
