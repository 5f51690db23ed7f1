import type { HoldDraft } from '../../../gateway/domain/hold-store.ts';
import type { Artifact } from '../../../gateway/domain/handoff.ts';
import { artifact, refund } from '../desk.ts';

/**
 * What an agent could write to be taken for something else: markup, a turned direction, a character that is not seen, a
 * Cyrillic а, letters that run from right to left, and no blank in ten thousand letters.
 */
export const HOSTILE = `<script>document.title="gone"</script><img src=x onerror=alert(1)> \u202Egnp.exe\u200B p\u0430ypal \u05D0\u05D1\u05D2 ${'x'.repeat(10_000)}`;

/** The same in the names of headers, which have no other letters. */
const LONG_NAME = `x-${'long'.repeat(2_500)}`;

const CLAIMS = {
  task: HOSTILE,
  client: HOSTILE,
  summary: HOSTILE,
  version: HOSTILE,
  draft_response: HOSTILE,
  recommended_action: HOSTILE,
  flags: [HOSTILE],
  [HOSTILE]: { [HOSTILE]: [HOSTILE] },
  options: [HOSTILE, { id: HOSTILE, label: HOSTILE }, `escalate_to_${HOSTILE}`],
};

const BODY = { amount: '50000', currency: HOSTILE, [HOSTILE]: HOSTILE, list: [HOSTILE, { [HOSTILE]: HOSTILE }] };

/** A call with such a text in every place that an agent can write. @param tool whether it calls a tool of that name */
export function hostileCall(tool: boolean): HoldDraft {
  const json = JSON.stringify(
    tool ? { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: HOSTILE, arguments: BODY } } : BODY,
  );
  const action = {
    headers: { 'content-type': HOSTILE, 'x-tenant': HOSTILE },
    body_bytes: json.length,
    ...(tool ? { tool: HOSTILE, arguments: BODY } : { body: BODY }),
  };
  const input = JSON.stringify({
    principal: { agent: 'billing-bot', session: HOSTILE },
    action,
    resource: { type: HOSTILE, id: HOSTILE },
    context: { flags: [HOSTILE], confidence: 0.4, reversible: true, claims: CLAIMS },
  });
  const headers = ['Content-Type', HOSTILE, 'X-Tenant', HOSTILE, LONG_NAME, 'hidden', 'Idempotency-Key', HOSTILE];
  const draft = refund('{}', { editable: [''], reversible: true });
  return {
    ...draft,
    digest: (tool ? 'b' : 'a').repeat(64),
    operation: HOSTILE,
    path: `/${HOSTILE}`,
    // A rule may put what it read into its reason.
    reason: `the task is ${HOSTILE}`,
    rules: [{ id: 'rules.payments/odd', verdict: 'hold', reason: `the task is ${HOSTILE}`, trigger: 'rule' }],
    claims: { session: HOSTILE, task: HOSTILE, confidence: 0.4, flags: [HOSTILE], reversible: true },
    call: { method: 'POST', target: `/${HOSTILE}?a=${HOSTILE}`, headers, body: Buffer.from(json), input },
  };
}

/** The same with a body that is no text, compressed by a coding that no one knows. */
export function hostileBinary(): HoldDraft {
  const draft = hostileCall(false);
  const { headers, input } = draft.call;
  const { action, ...rest } = JSON.parse(input) as { readonly action: object };
  return {
    ...draft,
    digest: 'c'.repeat(64),
    call: {
      ...draft.call,
      headers: [...headers, 'Content-Encoding', HOSTILE],
      body: Buffer.from([0, 255, 254, 1, 2]),
      input: JSON.stringify({ ...rest, action: { ...action, body: undefined } }),
    },
  };
}

/** What a server says of its tool. */
export const HOSTILE_TOOL = JSON.stringify({
  title: HOSTILE,
  description: HOSTILE,
  inputSchema: {
    type: 'object',
    title: HOSTILE,
    properties: {
      amount: { type: 'string', title: HOSTILE, description: HOSTILE },
      currency: { type: 'string', enum: [HOSTILE, 'eur'], description: HOSTILE },
    },
  },
});

/** A form of a question or of work that is handed over, and what comes with it. */
export const HOSTILE_FORM = { ...CLAIMS, confidence: 0.5 };
export const HOSTILE_ARTIFACTS: readonly Artifact[] = [
  artifact('p\u0430ypal \u05D0.txt', HOSTILE),
  artifact('x'.repeat(200), HOSTILE, `text/${'x'.repeat(190)}`),
];
