import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer as createSocketServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectClickHouse } from '../../../audit/clickhouse/clickhouse.ts';
import { insertEvents, stamp } from '../../../audit/ship/event-table.ts';
import { migrate } from '../../../audit/clickhouse/migrate.ts';
import { eventLine } from '../../../audit/journal/event-line.ts';
import { event, temporaryFolder } from '../events.ts';
import { ARRIVAL, openWarehouse, type Warehouse } from './warehouse.ts';

let warehouse: Warehouse;

beforeAll(async () => {
  warehouse = await openWarehouse();
  await migrate(warehouse.client);
});

afterAll(() => warehouse[Symbol.asyncDispose]());

/** A way to the engine that can be cut, like the one to a server that fails. */
async function openWay(tls?: TlsOptions) {
  const sockets = new Set<Socket>();
  const pass = (socket: Socket) => {
    const there = connect(warehouse.embedded.port, '127.0.0.1');
    for (const [one, other] of [[socket, there] as const, [there, socket] as const]) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
      one.pipe(other);
    }
  };
  const server: Server = tls ? createTlsServer(tls, pass) : createSocketServer(pass);
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cut = async () => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { url: `${tls ? 'https' : 'http'}://localhost:${port}`, cut, [Symbol.asyncDispose]: cut };
}

const credentials = () => ({ username: warehouse.embedded.username, password: warehouse.embedded.password });

async function one(client: ReturnType<typeof connectClickHouse>): Promise<unknown> {
  return (await client.query({ query: 'SELECT 1 AS one', format: 'JSONEachRow' })).json();
}

test('the client asks the next of several servers when one does not answer, and the first again when that fails', async () => {
  await using first = await openWay();
  await using second = await openWay();
  const client = connectClickHouse({ url: [first.url, second.url], ...credentials() });
  expect(await one(client)).toEqual([{ one: 1 }]);
  await first.cut();
  expect(await one(client)).toEqual([{ one: 1 }]);
  expect(await client.ping({ select: true })).toEqual({ success: true });
  await second.cut();
  await expect(one(client)).rejects.toThrow();
  expect(await client.ping()).toMatchObject({ success: false });
  await client.close();
});

test('an insert that failed on one server goes to the next when repeated, and is stored once', async () => {
  await using first = await openWay();
  await using second = await openWay();
  const client = connectClickHouse({ url: [first.url, second.url], ...credentials() });
  const rows = [{ seq: 1, line: Buffer.from(eventLine(event(1))) }];
  const insert = () => {
    const { body } = stamp(rows, 'chain-servers', ARRIVAL);
    const { signal } = new AbortController();
    return insertEvents(client, { body, chain: 'chain-servers', from: 1, to: 2, at: ARRIVAL, signal });
  };
  await insert();
  await first.cut();
  await expect(insert()).rejects.toThrow();
  await insert();
  expect(await warehouse.select(`SELECT seq FROM holdpoint.events WHERE chain = 'chain-servers'`)).toHaveLength(1);
  await client.close();
});

test("a server's error for a statement reaches the caller, and no other server is asked", async () => {
  await using dead = await openWay();
  await dead.cut();
  await using alive = await openWay();
  const client = connectClickHouse({ url: [alive.url, dead.url], ...credentials() });
  await expect(client.query({ query: 'SELECT nothing FROM nowhere' })).rejects.toMatchObject({ code: '60' });
  expect(await one(client)).toEqual([{ one: 1 }]);
  await client.close();
});

test('the client trusts a server with a certificate of the configured authority, and no other', async () => {
  await using folder = await temporaryFolder();
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder.path, stdio: 'pipe' });
  const read = (file: string) => readFileSync(join(folder.path, file), 'utf8');
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const ca of ['ca', 'other-ca']) {
    openssl('req', '-x509', ...newKey, '-subj', `/CN=${ca}`, '-days', '2', '-keyout', `${ca}.key`, '-out', `${ca}.pem`);
  }
  writeFileSync(join(folder.path, 'names'), 'subjectAltName=DNS:localhost');
  for (const who of ['server', 'gateway']) {
    openssl('req', ...newKey, '-subj', `/CN=${who}`, '-keyout', `${who}.key`, '-out', `${who}.csr`);
    openssl(
      'x509',
      '-req',
      '-in',
      `${who}.csr`,
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-days',
      '2',
      '-extfile',
      'names',
      '-out',
      `${who}.pem`,
    );
  }
  await using way = await openWay({
    key: read('server.key'),
    cert: read('server.pem'),
    ca: read('ca.pem'),
    requestCert: true,
    rejectUnauthorized: true,
  });
  const ask = async (tls: { ca: string; cert?: string; key?: string }) => {
    const client = connectClickHouse({ url: way.url, ...credentials(), tls });
    try {
      return await one(client);
    } finally {
      await client.close();
    }
  };
  const own = { cert: read('gateway.pem'), key: read('gateway.key') };
  expect(await ask({ ca: read('ca.pem'), ...own })).toEqual([{ one: 1 }]);
  await expect(ask({ ca: read('other-ca.pem'), ...own })).rejects.toThrow(/unable to verify|self-signed/);
  // The server wants to know who we are.
  await expect(ask({ ca: read('ca.pem') })).rejects.toThrow();
});
