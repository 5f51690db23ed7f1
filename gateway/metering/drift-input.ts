import { withAnswer } from '../domain/policy-input.ts';
import type { KeptSample } from './answer-sample.ts';

/** Response headers that drift rules see, in lower case. Never add one that carries a credential or a cookie. */
const VISIBLE_HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-language',
  'content-location',
  'content-type',
  'deprecation',
  'etag',
  'idempotency-replayed',
  'idempotent-replayed',
  'last-modified',
  'location',
  'openai-model',
  'openai-version',
  'preference-applied',
  'request-id',
  'retry-after',
  'stripe-version',
  'sunset',
  'x-github-api-version-selected',
  'x-github-request-id',
  'x-request-id',
]);

/** Whether drift rules see a response header, given in lower case. */
export function isVisibleAnswerHeader(name: string): boolean {
  return VISIBLE_HEADERS.has(name);
}

/**
 * The input of drift rules, as JSON text: the call's policy input and the answer.
 * @param json the body of the answer, known to be valid JSON. Its text goes in unchanged, so that no number is rounded
 */
export function driftInput(input: string, { status, headers }: KeptSample, json: string): string {
  const visible: Record<string, string> = {};
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (!VISIBLE_HEADERS.has(name)) continue;
    visible[name] = Object.hasOwn(visible, name) ? `${visible[name]}, ${headers[i + 1]}` : headers[i + 1]!;
  }
  return withAnswer(input, `{"status":${status},"headers":${JSON.stringify(visible)},"body":${json}}`);
}
