/**
 * The request headers that policies see, in lower case. Everything in the input is also recorded, so never add a header
 * that carries a credential, a cookie or a signature.
 */
export const VISIBLE_HEADERS = [
  'accept',
  'accept-language',
  'anthropic-beta',
  'anthropic-version',
  'content-disposition',
  'content-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'notion-version',
  'openai-beta',
  'openai-organization',
  'openai-project',
  'prefer',
  'range',
  'stripe-account',
  'stripe-context',
  'stripe-version',
  'user-agent',
  'x-atlassian-token',
  'x-github-api-version',
] as const;

/** Visible headers that are lists (RFC 9110, RFC 7240): several lines mean the same as one joined by commas. */
export const LIST_HEADERS: readonly string[] = [
  'accept',
  'accept-language',
  'anthropic-beta',
  'content-language',
  'if-match',
  'if-none-match',
  'openai-beta',
  'prefer',
];
