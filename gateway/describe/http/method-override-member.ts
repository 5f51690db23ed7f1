import { isMethodOverride } from '../../domain/method-override.ts';
import type { CheckedJson } from '../../json/scanned-object.ts';

/** A string that all of these names contain. Looking for it first is fast. */
const METHOD = /[mM][eE][tT][hH][oO][dD]/;
const MENTIONED = /"(?:_|\$http|x[-_](?:http[-_])?)method/i;

/** Whether a JSON text has a member at its top level that overrides the method, however it is escaped. */
export function hasMethodOverrideMember(json: CheckedJson): boolean {
  return typeof json === 'string' ? isInText(json) : json.hasMember(isMethodOverride);
}

function isInText(text: string): boolean {
  // Parsing is expensive, so only texts that could contain such a name are parsed.
  if (!(METHOD.test(text) && MENTIONED.test(text)) && !text.includes('\\u00')) return false;
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && Object.keys(value).some(isMethodOverride);
}
