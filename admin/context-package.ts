import type { Hold, HeldCall } from '../gateway/domain/hold.ts';
import { viewBody } from './body-view.ts';
import { approvals, holdHead, iso } from './hold-view.ts';
import { readInput } from './judged-input.ts';
import type { ContextPackage } from './schemas.ts';

/** What this person may do with this hold now, and why not. */
export type Permissions = ContextPackage['you_may'];

/**
 * Everything that a reviewer needs in order to decide, and nothing that would let the agent decide for them: what the
 * agent says stands under `claims`, `options` and `draft_response` alone, and is never mixed with what the gateway says.
 * @param call null when it is no longer kept; then the package is not complete
 */
export function contextPackage(hold: Hold, call: HeldCall | null, permissions: Permissions): ContextPackage {
  const { terms, principal } = hold;
  const { action, resource, context, principal: judged } = readInput(call);
  const view = viewBody(call, action.body);
  const url = `/${hold.system}${call?.target ?? hold.path}`;
  const amount = amountOf(view.body);
  const escalation = terms.escalate.map(({ after }) => hold.createdAt + after).toSorted((a, b) => a - b);

  return {
    ...holdHead(hold),
    agent: {
      id: principal.agent,
      owner: principal.owner,
      on_behalf_of: [...principal.onBehalfOf],
      session: judged.session,
    },
    action: {
      system: hold.system,
      operation: hold.operation,
      method: hold.method,
      url,
      summary: summary(hold, resource, amount),
      target: resource,
      amount,
      headers: action.headers,
      hidden_headers: hiddenHeaders(call, action.headers),
      body: view.body,
      body_text: view.text,
      body_bytes: view.bytes,
      complete: view.complete,
      missing: view.missing,
      digest: hold.digest,
    },
    diff: { current: null, proposed: view.body, edited: null },
    draft_response: context.claims['draft_response'] ?? null,
    policy: {
      rules: hold.rules.map((rule) => rule.id),
      reasons: hold.rules.flatMap((rule) => rule.reason ?? []),
      trigger: 'rule',
      revision: hold.policyRevision,
    },
    risk: { flags: context.flags, confidence: context.confidence, reversible: context.reversible },
    claims: context.claims,
    consequence: consequence(hold, url, view.bytes),
    routing: {
      groups: [...terms.reviewers],
      quorum: terms.quorum,
      approvals: approvals(hold),
      votes: hold.votes.map((vote) => ({ ...vote, at: iso(vote.at), counts: vote.revision === hold.revision })),
      escalates_at: escalation[0] === undefined || hold.status !== 'pending' ? null : iso(escalation[0]),
    },
    options: Array.isArray(context.claims['options']) ? context.claims['options'] : [],
    editable: [...terms.editable],
    you_may:
      view.complete || !permissions.approve ? permissions : { ...permissions, approve: false, why: view.missing },
  };
}

type Amount = ContextPackage['action']['amount'];

/** The amount of a call that names one in the usual way, at the top of its body. */
function amountOf(body: unknown): Amount {
  if (typeof body !== 'object' || body === null) return null;
  const { amount, currency } = body as { amount?: unknown; currency?: unknown };
  if (typeof amount !== 'number' && !(typeof amount === 'string' && /^-?\d+(\.\d+)?$/.test(amount))) return null;
  return { value: amount, currency: typeof currency === 'string' ? currency : null };
}

function summary(hold: Hold, resource: ContextPackage['action']['target'], amount: Amount): string {
  const on = resource?.id ? ` on ${resource.type} ${resource.id}` : '';
  const worth = amount ? `, amount ${amount.value}${amount.currency ? ` ${amount.currency}` : ''}` : '';
  return `${hold.principal.agent} (owner ${hold.principal.owner}) wants ${hold.operation} at ${hold.system}${on}${worth}.`;
}

function consequence(hold: Hold, url: string, bytes: number): string {
  if (hold.terms.level === 3) return 'This cannot be approved: a person takes it over, or rejects it. Nothing is sent.';
  const what = `${hold.method} ${url} once, with exactly the ${bytes} bytes of body shown here`;
  const missing = hold.terms.quorum - approvals(hold);
  if (missing > 1)
    return `Approving counts as one of ${missing} approvals still needed; the last of them sends ${what}.`;
  return `Approving sends ${what}, after policy has been asked again.`;
}

/** Headers that go out but whose values policy does not see. Their names are told: what is hidden is not unknown. */
function hiddenHeaders(call: HeldCall | null, shown: Readonly<Record<string, string>>): string[] {
  const names = (call?.headers ?? []).filter((_value, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return [...new Set(names)].filter((name) => !Object.hasOwn(shown, name)).toSorted();
}
