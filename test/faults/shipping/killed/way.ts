import { once } from 'node:events';
import { createServer, request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Embedded } from '../../../../audit/clickhouse/start-embedded.ts';

/** How far a statement is between the client and the engine. */
export type Moment = 'before' | 'half of' | 'sent' | 'answered';

export type Way = { readonly url: string; close(): void };

/**
 * A proxy between the client and the engine. `meet` is called at each moment and says whether to close the connection
 * there, so that the sender of the statement loses it.
 */
export async function openWay(
  engine: () => Embedded,
  meet: (moment: Moment, statement: string) => Promise<boolean>,
): Promise<Way> {
  const server = createServer((incoming, response) => {
    pass(incoming, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(incoming as AsyncIterable<Buffer>));
    const { method, headers, url } = incoming;
    const statement = new URL(url!, engine().url).searchParams.get('query') ?? body.toString();
    const ends = async (moment: Moment) => {
      if (!(await meet(moment, statement.replaceAll(/\s+/g, ' ').slice(0, 60)))) return false;
      response.destroy();
      return true;
    };
    if (await ends('before')) return;
    const { 'transfer-encoding': _, ...others } = headers;
    const outgoing = request(`${engine().url}${url}`, {
      method: method!,
      headers: { ...others, 'content-length': String(body.length), connection: 'close' },
    });
    const answer = answerOf(outgoing);
    const middle = Math.floor(body.length / 2);
    outgoing.write(body.subarray(0, middle));
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    if (await ends('half of')) return;
    outgoing.end(body.subarray(middle));
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    if (await ends('sent')) return;
    const { head, text } = await answer;
    if (await ends('answered')) return;
    response.writeHead(head.statusCode!, head.headers);
    response.end(text);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function answerOf(outgoing: ClientRequest): Promise<{ head: IncomingMessage; text: Buffer }> {
  const answer = new Promise<{ head: IncomingMessage; text: Buffer }>((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (head) => {
      Array.fromAsync(head as AsyncIterable<Buffer>).then(
        (chunks) => resolve({ head, text: Buffer.concat(chunks) }),
        reject,
      );
    });
  });
  // If the proxy closed the connection before, this answer is not awaited.
  answer.catch(() => {});
  return answer;
}
