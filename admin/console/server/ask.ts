import { parseExactly } from '../../../gateway/json/exact-json.ts';
import { Refused, Unreachable, type ProblemBody } from './problem.ts';

export type Asking = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Written as JSON; numbers from `parseExactly` keep every digit. */
  readonly body?: unknown;
  /** The revision that the person has read. */
  readonly ifMatch?: number;
  /** Sends it even while the page goes away. At most 64 KiB. */
  readonly keepalive?: boolean;
  readonly signal?: AbortSignal;
  /** Keeps every digit of the answer's numbers; slower. */
  readonly exactly?: boolean;
};

/**
 * Asks the admin API, with the session's cookie.
 * @throws Refused with what the API says
 * @throws Unreachable when there is no answer
 */
export async function ask<Answer>(path: string, asking: Asking = {}): Promise<Answer> {
  const { method = 'GET', body, ifMatch, keepalive = false, signal, exactly = false } = asking;
  const response = await fetch(path, {
    method,
    keepalive,
    headers: {
      accept: 'application/json',
      'holdpoint-channel': 'console',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    throw new Unreachable({ cause });
  });
  const text = await response.text();
  if (!response.ok) throw new Refused(response.status, problemIn(text, response));
  if (text === '') return undefined as Answer;
  const answer = JSON.parse(text) as { readonly handoff?: unknown } | null;
  // What an agent hands over keeps its digits too; of a call the text of the body has them.
  return (exactly || answer?.handoff ? parseExactly(text) : answer) as Answer;
}

/** A proxy in between answers with pages of its own. */
function problemIn(text: string, { status, statusText }: Response): ProblemBody {
  try {
    const body = JSON.parse(text) as ProblemBody;
    if (typeof body.detail === 'string' && typeof body.code === 'string') return body;
  } catch {
    // Not JSON: said below.
  }
  const detail = `The answer was ${status} ${statusText}`.trim() + ', and not from the gateway. Try again.';
  return { type: 'about:blank', title: statusText, status, detail, code: 'foreign-answer' };
}
