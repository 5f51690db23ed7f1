const DIGITS = /^\d+$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
/** https://github.com/ulid/spec: 26 characters of Crockford's Base32. */
const ULID = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i;
/**
 * `ch_3Nx…`, `cus_ABC`, `cs_test_a1…`: the part after the last underscore has a capital or a digit and is not a
 * version.
 */
const PREFIXED = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*_(?!(?:v|alpha|beta|rc)\d+$)(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{2,}$/;
/** `PROJ-123` */
const ISSUE_KEY = /^[A-Z][A-Z0-9_]+-\d+$/;
const HEX = /^(?=[a-f]*\d)[0-9a-f]{8,}$/i;
/** Long, with mixed characters: base64url and other tokens, but not words joined by dashes. */
const TOKEN = /^(?=(?:[^\d]*\d){3})(?=.*[A-Za-z])[\w-]{20,}=*$/;
const MIXED_TOKEN = /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w-]{16,}=*$/;
const EMAIL = /^[^@]+@[^@]+\.[^@]+$/;

/**
 * Whether a path segment looks like an identifier rather than a word of the API: digits, UUIDs, ULIDs, prefixed
 * identifiers, long hexadecimal or random tokens, issue keys, e-mail addresses,
 * names with a slash. `v1`, `v2beta`, plain words and words
 * joined by dashes or underscores are not identifiers.
 */
export function isIdentifier(segment: string): boolean {
  if (DIGITS.test(segment)) return true;
  // Percent-encoded in the path: a file or a branch, not a word of the API.
  if (segment.includes('/') || segment.includes('\\')) return true;
  // The shortest remaining kind is a prefixed one, such as `r_Ab`.
  if (segment.length < 4 || segment.length > 256) return segment.length > 256;
  return (
    PREFIXED.test(segment) ||
    HEX.test(segment) ||
    UUID.test(segment) ||
    ULID.test(segment) ||
    ISSUE_KEY.test(segment) ||
    MIXED_TOKEN.test(segment) ||
    (TOKEN.test(segment) && !/^[a-z]+\d*(?:[-_][a-z]+\d*)+$/.test(segment)) ||
    EMAIL.test(segment)
  );
}
