import { isList, isObject, parseExactly, type ExactJson } from '../../../gateway/json/exact-json.ts';
import { valueAt } from '../../../gateway/json/pointer.ts';
import type { ContextPackage } from '../../api/hold-schemas.ts';

type Read = Pick<NonNullable<ContextPackage['action']>, 'body' | 'body_text' | 'tool'>;

/** Whether this browser keeps every digit of a number (`JSON.rawJSON`, and the source text of a parsed value). */
export const keepsDigits = typeof JSON.rawJSON === 'function';

/**
 * The body of a call as JSON with every digit; undefined where policy does not see JSON in it. `body` alone does not do:
 * it writes numbers that JavaScript would round as strings.
 */
export function exactBody({ body, body_text: text, tool }: Read): ExactJson | undefined {
  if (body === null || body === undefined) return undefined;
  if (text !== null && keepsDigits) {
    try {
      const exact = parseExactly(text);
      // The text of a call of a tool is the whole message; policy and people look at the arguments.
      const seen = tool === null ? exact : (valueAt(exact, '/params/arguments') as ExactJson | undefined);
      if (isObject(seen) || isList(seen)) return seen;
    } catch {
      // A form, as a rule: policy reads its fields.
    }
  }
  return body as ExactJson;
}
