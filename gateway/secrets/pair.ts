import { isSecretName, wordsOf } from './secret-name.ts';

/** Members that name what another member holds: `{"name": "password", "value": "…"}`. */
const NAMES = /(?:^|_)(?:name|key|field|header|param|parameter|property|attribute|variable|label|type|id|k|n)$/;
/** Members that hold it. */
const VALUES = /(?:^|_)(?:values?|val|content|data|v)$/;

/** A name, not a sentence. `mayHoldSecret` looks for nothing else in the place of a value. */
const NAME = /^[A-Za-z][\w .\-[\]]{0,39}$/;
export type PairMember = 'name' | 'value' | null;

const known = new Map<string, PairMember>();
const MOST_KNOWN = 1024;
const LONGEST_KNOWN = 64;

/** What a member of this name may be in a pair of name and value. */
export function pairMember(name: string): PairMember {
  let member = known.get(name);
  if (member === undefined) {
    const words = wordsOf(name);
    member = VALUES.test(words) ? 'value' : NAMES.test(words) ? 'name' : null;
    if (name.length <= LONGEST_KNOWN) {
      if (known.size >= MOST_KNOWN) known.clear();
      known.set(name, member);
    }
  }
  return member;
}

/** Whether a text that stands as the name in a pair says that its value is a secret. */
export function namesSecret(text: string): boolean {
  return NAME.test(text) && isSecretName(text);
}

/** The last part of a path to a member: `/user/password`, `emails.value`, `urn:ietf:params:scim:schemas:core:2.0:User:password`. */
const LAST_PART = /[^/.:]*$/;

/**
 * Whether the path in a change of one member leads to a secret: `{"op": "replace", "path": "/password", "value": "…"}`,
 * as in JSON Patch (RFC 6902) and SCIM (RFC 7644 section 3.5.2).
 */
export function leadsToSecret(path: string): boolean {
  return isSecretName(LAST_PART.exec(path)![0]);
}
