import { HIGHEST_COST, type Cost } from '../domain/cost.ts';
import { valueAt } from '../json/pointer.ts';
import type { KeptSample } from './answer-sample.ts';
import type { Metered } from './price-list.ts';

/** An answer as far as it could be read: its JSON, or that of its last events, newest first. */
type Read = { readonly sample: KeptSample; readonly documents: readonly unknown[] };

/**
 * The cost that an answer names. Null when it names none, or an invalid one: not a number, negative, or implausibly
 * large.
 */
export function meteredCost({ from, price, unit }: Metered, { sample, documents }: Read): Cost | null {
  const value =
    'header' in from
      ? sample.header(from.header)
      : documents.map((document) => valueAt(document, from.answer)).find((each) => numberOf(each) !== null);
  const counted = numberOf(value);
  if (counted === null) return null;
  // Rounds away binary fractions: 3 × 0.1 is 0.3.
  const amount = Number((counted * price).toPrecision(12));
  return amount <= HIGHEST_COST ? { amount, unit } : null;
}

/** Some systems write numbers as text, and headers always do. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\s*\d{1,30}(?:\.\d{1,30})?\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < Infinity ? number : null;
}

/**
 * The JSON of the last events of a stream (`text/event-stream`), newest first. Each `data:` line is taken as JSON by
 * itself, as all model providers send it. The beginning is cut off, so the first line may be partial.
 */
export function lastEvents(text: string): unknown[] {
  const documents: unknown[] = [];
  for (const line of text.split(/\r\n|\r|\n/).toReversed()) {
    if (!line.startsWith('data:')) continue;
    const document = parsed(line.slice('data:'.length));
    if (document !== undefined) documents.push(document);
  }
  return documents;
}

/** The newest response of JSON-RPC in the end of a stream, as JSON text; null if there is none. */
export function lastResponse(text: string): string | null {
  const data = text
    .split(/\r\n|\r|\n/)
    .flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length)] : []));
  return data.findLast((json) => isResponse(parsed(json))) ?? null;
}

function isResponse(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'jsonrpc' in value && ('result' in value || 'error' in value);
}

/** The value of a JSON text; undefined when it is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
