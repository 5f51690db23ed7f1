import { lookup as systemLookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import type { Clock } from '../../domain/clock.ts';
import { DeliveryError } from './delivery-error.ts';
import { checkedLookup, isRefusedAddress, refusal } from './refused-address.ts';

/** Milliseconds from the beginning to the head of the answer; the answer's body gets what is left of them. */
const TIMEOUT = 10_000;

/** How much of an answer's body is taken before the connection is cut. */
const MOST_OF_ANSWER = 4096;

/** The most that a `Retry-After` may ask for, in milliseconds. */
const LONGEST_REST = 3_600_000;

/**
 * Posts JSON. Any 2xx is success. Resolves to the beginning of the answer's body.
 * @throws DeliveryError when it did not arrive, or was not taken
 */
export type Post = (url: string, body: string, headers?: Readonly<Record<string, string>>) => Promise<string>;

/**
 * Posts to addresses that operators configured, in other people's hands: nothing that they do may take long, make this
 * process read much, or lead it elsewhere.
 * @param options.timeout milliseconds
 * @param options.mostOfAnswer bytes of an answer's body that are read; 4 KiB by default
 */
export function createPost(options: {
  readonly clock: Clock;
  readonly lookup?: LookupFunction;
  readonly timeout?: number;
  readonly mostOfAnswer?: number;
}): Post {
  const { clock, lookup = systemLookup, timeout = TIMEOUT, mostOfAnswer = MOST_OF_ANSWER } = options;
  const connect = buildConnector({ lookup: checkedLookup(lookup), timeout, allowH2: false });
  const dispatcher = new Agent({
    connect(target, done) {
      // An address in the URL is never looked up.
      if (isIP(target.hostname) && isRefusedAddress(target.hostname)) done(refusal(target.hostname), null);
      else connect(target, done);
    },
  });

  return async (url, body, headers = {}) => {
    const signal = AbortSignal.timeout(timeout);
    let answer: Dispatcher.ResponseData;
    try {
      answer = await request(url, {
        dispatcher,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': 'Holdpoint', ...headers },
        body,
        // Messages are rare: a connection kept open would only be one that the other side closes meanwhile.
        reset: true,
        signal,
      });
    } catch (error) {
      throw unreachable(error as Error & { code?: string }, timeout);
    }
    const beginning = await beginningOf(answer.body, mostOfAnswer);
    if (answer.statusCode >= 200 && answer.statusCode < 300) return beginning;
    throw refusedBy(answer, clock());
  };
}

/** The head has told whether it was taken: what becomes of the rest changes nothing, and what is read of it is a courtesy. */
async function beginningOf(body: Dispatcher.ResponseData['body'], most: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= most) break;
    }
  } catch {
    // Cut off, or out of time.
  }
  return Buffer.concat(chunks).toString('utf8', 0, most);
}

function unreachable(error: Error & { code?: string }, timeout: number): DeliveryError {
  if (error instanceof DeliveryError) return error;
  if (error.name === 'TimeoutError') return new DeliveryError('unreachable', `no answer within ${timeout} ms`);
  return new DeliveryError('unreachable', `no answer: ${error.code ?? error.name}`);
}

function refusedBy({ statusCode, headers }: Dispatcher.ResponseData, now: number): DeliveryError {
  if (statusCode === 410) return new DeliveryError('gone', 'HTTP 410: the target is gone; remove it or name another');
  const redirects = statusCode >= 300 && statusCode < 400;
  const hint = redirects ? '; redirects are not followed, name the address that it leads to' : '';
  return new DeliveryError('refused', `HTTP ${statusCode}${hint}`, retryAfter(headers['retry-after'], now));
}

/** RFC 9110 section 10.2.3: seconds, or a date. Milliseconds, at most an hour; null when there is none that can be read. */
function retryAfter(header: string | string[] | undefined, now: number): number | null {
  if (typeof header !== 'string') return null;
  const wait = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? null : Math.min(Math.max(wait, 0), LONGEST_REST);
}
