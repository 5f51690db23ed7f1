import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { choosePorts } from '../../../gateway/demo/demo-ports.ts';

it('the demo uses each preferred port that is free, and another port for each that is not', async () => {
  const taken = createServer();
  await once(taken.listen(0, '127.0.0.1'), 'listening');
  const { port } = taken.address() as AddressInfo;
  const ports = await choosePorts({ agents: port, payments: 0, admin: 0, api: 0, warehouse: 0 });
  taken.close();
  expect(ports.agents).not.toBe(port);
  expect(new Set(Object.values(ports)).size).toBe(5);

  const again = await choosePorts(ports);
  expect(again).toEqual(ports);
});
