import { createServer, type AddressInfo, type Server } from 'node:net';
import { type Config } from '../config/config.ts';
import type { Address } from '../config/address.ts';
import { listenOn } from '../agents/listen.ts';

/** Where a gateway is reached. */
export type Listening = {
  readonly agents: Address;
  /** Those of the systems that have their own. */
  readonly systems: Readonly<Record<string, Address>>;
  readonly admin: Address;
  /** The query endpoint of the embedded ClickHouse; null for none. */
  readonly analysts: Address | null;
};

/**
 * Makes sure that nobody listens on the configured addresses, and settles port 0: a process that is started again must
 * come back to the port that was told. Workers share their ports (SO_REUSEPORT), so they would not notice a stranger
 * who shares as well.
 * @throws Error for people that names the address that is taken
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
