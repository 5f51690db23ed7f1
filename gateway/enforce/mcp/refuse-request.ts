import { withoutHeaders } from '../../domain/headers.ts';
import { DISCARDED_ANSWER } from '../discarded-answer.ts';
import type { Forwarder } from '../forwarder.ts';
import type { Asking } from './messages.ts';

/** The code of a user who declines, as clients use it. */
const DECLINED = -1;

/** Tells a server, in place of the client, that its request was refused. Otherwise it would wait for an answer. */
export function createRefuseRequest(
  forwarder: Pick<Forwarder, 'prepare' | 'send'>,
): (call: Asking, id: string) => void {
  return ({ system, target, headers }, id) => {
    const error = { code: DECLINED, message: 'The policy of the gateway does not permit this request.' };
    const body = Buffer.from(`{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify(error)}}`);
    const kept = withoutHeaders(headers, (name) =>
      /^(?:content-|accept$|last-event-id$|mcp-method$|mcp-name$)/.test(name),
    );
    const all = [...kept, 'content-type', 'application/json', 'accept', 'application/json, text/event-stream'];
    const request = forwarder.prepare(
      { system, operation: 'mcp:response', method: 'POST', target, headers: all, body },
      { obligations: [] },
    );
    void forwarder.send(system, request, DISCARDED_ANSWER);
  };
}
