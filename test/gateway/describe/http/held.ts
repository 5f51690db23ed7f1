import type { HeldCall } from '../../../../gateway/domain/hold.ts';
import { amendCall } from '../../../../gateway/describe/http/amend.ts';
import type { NotAmended } from '../../../../gateway/domain/amendment.ts';
import { createDescriber } from '../../../../gateway/describe/http/http-call.ts';
import { NO_WORDS } from '../../../../gateway/domain/words.ts';
import { testArrival, testSystem } from './arrival.ts';
import { inputText } from '../../../../gateway/domain/call-input.ts';

/** Under a policy that reads nothing, a call has one reading, and can be edited. */
const describe = createDescriber(testSystem(), { sees: () => '', words: () => NO_WORDS });

export const JSON_TYPE = 'application/json';
export const FORM_TYPE = 'application/x-www-form-urlencoded';

/** A call with this body as it is held. */
export function heldCall(type: string, body: string | Buffer, head: Readonly<Record<string, string>> = {}): HeldCall {
  const headers = { Host: 'gateway', 'Content-Type': type, 'Content-Length': String(Buffer.byteLength(body)), ...head };
  const call = describe(testArrival('POST /v1/refunds?expand=charge', headers, body));
  return {
    method: call.method,
    target: call.target,
    headers: call.headers,
    body: call.body,
    input: inputText(call.input),
  };
}

export function amended(call: HeldCall, edit: unknown, editable: readonly string[]): HeldCall {
  const result = amendCall(call, edit, editable);
  if ('detail' in result) throw new Error(result.detail);
  return result;
}

export function notAmended(call: HeldCall, edit: unknown, editable: readonly string[]): NotAmended {
  const result = amendCall(call, edit, editable);
  if (!('detail' in result)) throw new Error(`amended to ${result.body.toString()}`);
  return result;
}
