import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

/** One port for each address of the demo: agents, the payments system's own, admin, and the two example systems. */
export type DemoPorts = {
  readonly agents: number;
  readonly payments: number;
  readonly admin: number;
  readonly api: number;
  readonly warehouse: number;
};

export const PREFERRED_PORTS: DemoPorts = { agents: 8080, admin: 8081, payments: 8090, api: 8091, warehouse: 8092 };

/** Listens on `port`, or on any free one if it is taken. */
async function probe(port: number): Promise<Server> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return server;
  } catch (error) {
    if (port === 0) throw error;
    return probe(0);
  }
}

/**
 * Each preferred port that is free on 127.0.0.1, and any free port for the others. All are held until all are chosen.
 */
export async function choosePorts(preferred: DemoPorts): Promise<DemoPorts> {
  const names = Object.keys(preferred) as (keyof DemoPorts)[];
  const probes = await Promise.all(names.map((name) => probe(preferred[name])));
  const ports = names.map((name, i) => [name, (probes[i]!.address() as AddressInfo).port]);
  await Promise.all(probes.map((server) => once(server.close(), 'close')));
  return Object.fromEntries(ports) as DemoPorts;
}
