/**
 * How the body of a refusal is laid out, so that the SDK of a system shows its reason. `problem` is RFC 9457, with an
 * `error` member.
 */
export const REFUSAL_SHAPES = [
  'problem',
  'anthropic',
  'atlassian',
  'aws-json',
  'aws-xml',
  'datadog',
  'elasticsearch',
  'gitlab',
  'google',
  'hubspot',
  'kubernetes',
  'notion',
  'npm',
  'salesforce',
  'slack',
  'stripe',
  'twilio',
] as const;

export type RefusalShape = (typeof REFUSAL_SHAPES)[number];
