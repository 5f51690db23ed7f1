import type { ServerResponse } from 'node:http';
import type { HeldResponse } from '../../domain/hold.ts';

/** Serves a stored answer, which must have been kept whole, as the system gave it. */
export function writeHeldResponse(response: ServerResponse, kept: HeldResponse, decisionId: string): void {
  const headers = kept.headers.filter((_, i) => kept.headers[i - (i % 2)]!.toLowerCase() !== 'content-length');
  if (kept.status !== 204 && kept.status !== 304) headers.push('content-length', String(kept.body.length));
  headers.push('holdpoint-decision', decisionId, 'holdpoint-verdict', 'hold');
  response.writeHead(kept.status, headers);
  response.end(response.req.method === 'HEAD' ? undefined : kept.body);
}
