import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { digest } from '../../helpers/hold.ts';
import { principalOf } from './cast.ts';

/** A call as it arrived. */
export type Arrival = {
  readonly customer: string;
  readonly amount: number;
  readonly key: string;
  /** What an approval of it would have to bind to. */
  readonly digest: string;
};

export type BusinessSystem = {
  readonly url: string;
  readonly arrivals: readonly Arrival[];
  /** Identifiers of the messages to people that arrived. */
  readonly messages: readonly string[];
  close(): Promise<void>;
};

/**
 * Both systems of the cast, and the place where messages to people go.
 * @param received what happens before a call is answered; false breaks the connection off instead
 */
export async function startBusinessSystem(received: (arrival: Arrival) => Promise<boolean>): Promise<BusinessSystem> {
  const arrivals: Arrival[] = [];
  const messages: string[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks = await request.toArray();
    const { method = '', url = '', headers, rawHeaders } = request;
    const { pathname, searchParams } = new URL(url, 'http://system');
    if (pathname === '/notices') {
      messages.push(String(headers['webhook-id']));
      response.writeHead(204).end();
    } else if (method === 'GET') {
      const [customer, amount] = [searchParams.get('customer'), Number(searchParams.get('amount'))];
      const isThere = arrivals.some((one) => one.customer === customer && one.amount === amount);
      response.end(isThere ? 'there' : 'not there');
    } else {
      const body = Buffer.concat(chunks);
      const { customer, amount } = JSON.parse(body.toString()) as { customer: string; amount: number };
      const whose = { principal: principalOf(customer), system: pathname.split('/')[1]! };
      const arrival = {
        customer,
        amount,
        key: String(headers['idempotency-key']),
        digest: digest(whose, { method, target: url, headers: rawHeaders, body }),
      };
      arrivals.push(arrival);
      if (await received(arrival)) {
        response.writeHead(201, { 'content-type': 'text/plain' }).write('refu');
        response.end('nded');
      } else request.socket.destroy();
    }
  }

  const server = createServer((request, response) => {
    // A process that is killed leaves its connections behind.
    serve(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    messages,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
