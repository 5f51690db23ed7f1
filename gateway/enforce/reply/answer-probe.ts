import type { AgentResponse } from '../../domain/message.ts';

/** Answers a probe. It is not logged: there is one every few seconds. */
export function answerProbe(response: AgentResponse, isReady: boolean): void {
  const body = Buffer.from(JSON.stringify({ status: isReady ? 'ok' : 'unready' }));
  const fields = [
    ['content-type', 'application/json'],
    ['content-length', String(body.length)],
    ['cache-control', 'no-store'],
  ];
  response.begin(isReady ? 200 : 503, fields.flat());
  response.end(response.request.method === 'HEAD' ? undefined : body);
}
