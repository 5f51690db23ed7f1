import { HIGHEST_COST, type Cost } from '../domain/cost.ts';
import { valueAt } from '../json/pointer.ts';
import type { KeptSample } from './answer-sample.ts';
import type { Metered } from './price-list.ts';

/** What an answer says of itself, as far as it could be read: its JSON, or those of its last events, newest first. */
export type Read = { readonly sample: KeptSample; readonly documents: readonly unknown[] };

/**
 * The cost that an answer names; null when it names none, or something that is no cost: no number, a negative one, or
 * one too large to be true.
 */
export function meteredCost({ from, price, unit }: Metered, { sample, documents }: Read): Cost | null {
  const value =
    'header' in from
      ? sample.header(from.header)
      : documents.map((document) => valueAt(document, from.answer)).find((each) => numberOf(each) !== null);
  const counted = numberOf(value);
  if (counted === null) return null;
  // Without the noise of binary fractions: 3 × 0.1 is 0.3.
  const amount = Number((counted * price).toPrecision(12));
  return amount <= HIGHEST_COST ? { amount, unit } : null;
}

/** Some systems write numbers as text, as headers have to. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\s*\d{1,30}(?:\.\d{1,30})?\s*$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && number < Infinity ? number : null;
}

/**
 * The JSON of the events at the end of a stream (`text/event-stream`), newest first: each line of data that is JSON by
 * itself, as all the model providers send it. What lies before is cut off, and so may be the first line.
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

/** The value of a JSON text; undefined when it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
