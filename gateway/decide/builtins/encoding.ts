import { isArray, RegoObject, type RegoValue } from '../rego-value.ts';
import { type Builtins, ofText } from './builtin.ts';

export const encodingBuiltins: Builtins = {
  'base64url.encode_no_pad': ofText((text) => Buffer.from(text!).toString('base64url')),
  'hex.encode': ofText((text) => Buffer.from(text!).toString('hex')),
  'hex.decode': ofText((text) => (/^(?:[\da-f]{2})*$/i.test(text!) ? Buffer.from(text!, 'hex').toString() : undefined)),
  'urlquery.encode': ofText((text) => encodeQuery(text!)),
  'urlquery.decode': ofText((text) => decodeQuery(text!)),
  'urlquery.encode_object': (object) => {
    if (!(object instanceof RegoObject)) return undefined;
    const pairs: string[] = [];
    for (const [name, value] of object.members) {
      const values = typeof value === 'string' ? [value] : isArray(value) ? value : elementsOf(value);
      if (typeof name !== 'string' || !values?.every((each) => typeof each === 'string')) return undefined;
      pairs.push(...values.map((each) => `${encodeQuery(name)}=${encodeQuery(each)}`));
    }
    return pairs.join('&');
  },
  'urlquery.decode_object': ofText((text) => {
    const found = new Map<string, string[]>();
    for (const pair of text!.split('&')) {
      if (pair === '') continue;
      // Go refuses a semicolon: proxies disagree on whether it separates.
      if (pair.includes(';')) return undefined;
      const [, written, value = ''] = /^([^=]*)=?([^]*)$/.exec(pair)!;
      const [name, decoded] = [decodeQuery(written!), decodeQuery(value)];
      if (name === undefined || decoded === undefined) return undefined;
      found.set(name, [...(found.get(name) ?? []), decoded]);
    }
    return RegoObject.of([...found]);
  }),
};

function elementsOf(value: RegoValue): readonly RegoValue[] | undefined {
  return value !== null && typeof value === 'object' && 'elements' in value ? value.elements : undefined;
}

/** As Go's url.QueryEscape: a space is `+`, and only letters, digits, `-`, `_`, `.` and `~` stay. */
function encodeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

function decodeQuery(text: string): string | undefined {
  if (/%(?![\da-f]{2})/i.test(text)) return undefined;
  const bytes = text.replaceAll('+', ' ').replace(/[^%]+/g, (part) => Buffer.from(part).toString('latin1'));
  const decoded = bytes.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(decoded, 'latin1').toString();
}
