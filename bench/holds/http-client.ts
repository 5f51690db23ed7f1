import { Agent, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';

export type Sent = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** `performance.now()` when it was handed over, and when its answer was there. */
  readonly sentAt: number;
  readonly answeredAt: number;
};

/** Sends over kept-alive connections, as many as are needed. Rejects when a connection breaks. */
export function createHttpClient(base: string): (sent: Sent) => Promise<Answer> {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 1024 });
  const { hostname: host, port } = new URL(base);
  return ({ method, path, headers, body }) =>
    new Promise((resolve, reject) => {
      const outgoing = request({ agent, host, port, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('error', reject);
        response.once('end', () => {
          const { statusCode: status = 0, headers } = response;
          resolve({ status, headers, text, sentAt, answeredAt: performance.now() });
        });
      });
      outgoing.once('error', reject);
      const sentAt = performance.now();
      outgoing.end(body);
    });
}
