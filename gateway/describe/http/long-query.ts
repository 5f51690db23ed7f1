import { withoutHeaders } from '../../domain/headers.ts';
import type { RequestHead } from '../../domain/message.ts';
import { Problem } from '../../domain/problem.ts';
import type { System } from '../../domain/system.ts';
import type { Arrival } from './http-call.ts';
import { bodyKind } from './media-type.ts';

/** The header with which clients of Google send a GET as a POST, where its query is long. */
export const GET_BY_POST = 'x-http-method-override';

/** Headers that describe the body that becomes the query. */
const OF_THE_BODY: ReadonlySet<string> = new Set([
  GET_BY_POST,
  'content-type',
  'content-length',
  'transfer-encoding',
  'content-md5',
]);

const EMPTY = Buffer.alloc(0);

/** Whether a request to a system is a GET that came as a POST. */
export function isGetByPost({ method, headers }: RequestHead, system: Pick<System, 'methodOverride'>): boolean {
  return system.methodOverride === 'GET' && method === 'POST' && headers[GET_BY_POST] !== undefined;
}

/**
 * The GET that the system makes of such a request: the form is its query. So it is judged, held and recorded, and it
 * makes no difference to an approval how it came.
 * @throws Problem `bad-request` if the system could make another call of it
 */
export function asGet(arrival: Arrival): Arrival {
  const { target, headers, rawHeaders, body } = arrival;
  if (target.includes('?')) throw refused('with its whole query in the body');
  if (headers['content-encoding'] !== undefined) throw refused('without Content-Encoding');
  if (body.length > 0 && bodyKind(headers['content-type']) !== 'form') throw refused('as a form');
  return {
    ...arrival,
    method: 'GET',
    target: body.length > 0 ? `${target}?${body.toString('latin1')}` : target,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_BODY.has(name))),
    rawHeaders: withoutHeaders(rawHeaders, (name) => OF_THE_BODY.has(name)),
    body: EMPTY,
    decoded: EMPTY,
  };
}

function refused(how: string): Problem {
  return new Problem('bad-request', { detail: `Send a POST that stands for a GET ${how}.` });
}
